package gatherer;

import java.nio.charset.StandardCharsets;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.flink.types.Row;

/** Writes rows of Python's `operator.OUTPUT`: symbol (the key, which may be null), content, topic. */
public final class Output implements KafkaRecordSerializationSchema<Row> {
    private static final long serialVersionUID = 1L;

    @Override
    public ProducerRecord<byte[], byte[]> serialize(Row row, KafkaSinkContext context, Long timestamp) {
        String symbol = (String) row.getField(0);
        byte[] key = symbol == null ? null : symbol.getBytes(StandardCharsets.UTF_8);
        return new ProducerRecord<>((String) row.getField(2), key, (byte[]) row.getField(1));
    }
}
