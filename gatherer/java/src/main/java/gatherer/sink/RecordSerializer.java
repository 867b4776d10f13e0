package gatherer.sink;

import gatherer.analysis.Result;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.producer.ProducerRecord;

/** Writes the results of the analysis. */
public final class RecordSerializer implements KafkaRecordSerializationSchema<Result> {
    private static final long serialVersionUID = 1L;

    @Override
    public ProducerRecord<byte[], byte[]> serialize(Result result, KafkaSinkContext context, Long timestamp) {
        return new ProducerRecord<>(result.topic, result.key, result.value);
    }
}
