package gatherer.source;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * A partition, and how far it has been read.
 *
 * @param topicId see {@link TopicInfo}
 * @param offset of the next record; {@link #EARLIEST} for the first that there is
 * @param stop the offset at which reading ends; {@link #NEVER} when it doesn't
 * @param datedByBroker whether the last record has the timestamp of its broker, not of its producer
 * @param panes the output of {@link gatherer.panes.PartitionPanes#write}; empty for a partition that was not read yet
 */
record PartitionSplit(String topic, int partition, String topicId, int partitions, long offset, long stop,
        boolean datedByBroker, byte[] panes) implements SourceSplit {
    static final long EARLIEST = -2;
    static final long NEVER = Long.MAX_VALUE;

    static PartitionSplit unread(String topic, int partition, TopicInfo info, long stop) {
        return new PartitionSplit(topic, partition, info.id(), info.partitions(), EARLIEST, stop, false, new byte[0]);
    }

    @Override
    public String splitId() {
        return topic + "/" + partition;
    }

    static final class Serializer implements SimpleVersionedSerializer<PartitionSplit> {
        private static final int VERSION = 1;

        @Override
        public int getVersion() {
            return VERSION;
        }

        @Override
        public byte[] serialize(PartitionSplit split) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream(64 + split.panes.length);
            DataOutputStream out = new DataOutputStream(bytes);
            out.writeUTF(split.topic);
            out.writeInt(split.partition);
            out.writeUTF(split.topicId);
            out.writeInt(split.partitions);
            out.writeLong(split.offset);
            out.writeLong(split.stop);
            out.writeBoolean(split.datedByBroker);
            out.writeInt(split.panes.length);
            out.write(split.panes);
            return bytes.toByteArray();
        }

        @Override
        public PartitionSplit deserialize(int version, byte[] serialized) throws IOException {
            if (version != VERSION) {
                throw new IOException("the state of a partition has version " + version + ", not " + VERSION);
            }
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(serialized));
            return new PartitionSplit(in.readUTF(), in.readInt(), in.readUTF(), in.readInt(), in.readLong(),
                    in.readLong(), in.readBoolean(), in.readNBytes(in.readInt()));
        }
    }
}
