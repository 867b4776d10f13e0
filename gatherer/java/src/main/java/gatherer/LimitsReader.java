package gatherer;

import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.kafka.shaded.org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.flink.util.Collector;

/** Takes a record of limits as it is: it is read where it is used. */
public final class LimitsReader implements KafkaRecordDeserializationSchema<Reading> {
    private static final long serialVersionUID = 1L;

    @Override
    public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Reading> out) {
        Reading reading = new Reading();
        reading.kind = Reading.LIMITS;
        reading.symbol = record.key() == null ? null : new String(record.key(), StandardCharsets.UTF_8);
        reading.partition = record.partition();
        reading.offset = record.offset();
        reading.writtenMs = record.timestamp();
        reading.content = record.value();
        out.collect(reading);
    }

    @Override
    public TypeInformation<Reading> getProducedType() {
        return TypeInformation.of(Reading.class);
    }
}
