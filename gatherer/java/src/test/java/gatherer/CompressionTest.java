package gatherer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.ByteBuffer;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.compress.Compression;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.record.CompressionType;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.record.MemoryRecords;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.record.SimpleRecord;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whether the class path has every codec that a producer may choose. */
class CompressionTest {
    @ParameterizedTest
    @EnumSource(CompressionType.class)
    void batchesAreWrittenAndRead(CompressionType codec) {
        byte[] value = "the same again and again ".repeat(100).getBytes();
        Compression compression = Compression.of(codec).build();
        MemoryRecords batch = MemoryRecords.withRecords(compression, new SimpleRecord(value));
        assertEquals(codec, batch.firstBatch().compressionType());

        ByteBuffer read = MemoryRecords.readableRecords(batch.buffer()).records().iterator().next().value();
        byte[] bytes = new byte[read.remaining()];
        read.get(bytes);
        assertArrayEquals(value, bytes);
    }
}
