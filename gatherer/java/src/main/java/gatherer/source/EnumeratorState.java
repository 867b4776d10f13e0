package gatherer.source;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/**
 * The state of the enumerator.
 *
 * @param known the topics whose partitions have been found
 * @param unassigned those that no reader has
 */
record EnumeratorState(Map<String, TopicInfo> known, List<PartitionSplit> unassigned) {
    static final EnumeratorState EMPTY = new EnumeratorState(Map.of(), List.of());

    static final class Serializer implements SimpleVersionedSerializer<EnumeratorState> {
        private static final int VERSION = 1;

        private final PartitionSplit.Serializer splits = new PartitionSplit.Serializer();

        @Override
        public int getVersion() {
            return VERSION;
        }

        @Override
        public byte[] serialize(EnumeratorState state) throws IOException {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            DataOutputStream out = new DataOutputStream(bytes);
            out.writeInt(state.known.size());
            for (Map.Entry<String, TopicInfo> each : state.known.entrySet()) {
                out.writeUTF(each.getKey());
                out.writeUTF(each.getValue().id());
                out.writeInt(each.getValue().partitions());
            }
            out.writeInt(state.unassigned.size());
            for (PartitionSplit split : state.unassigned) {
                byte[] serialized = splits.serialize(split);
                out.writeInt(serialized.length);
                out.write(serialized);
            }
            return bytes.toByteArray();
        }

        @Override
        public EnumeratorState deserialize(int version, byte[] serialized) throws IOException {
            if (version != VERSION) {
                throw new IOException("the list of topics has version " + version + ", not " + VERSION);
            }
            DataInputStream in = new DataInputStream(new ByteArrayInputStream(serialized));
            Map<String, TopicInfo> known = new TreeMap<>();
            for (int left = in.readInt(); left > 0; left--) {
                known.put(in.readUTF(), new TopicInfo(in.readUTF(), in.readInt()));
            }
            List<PartitionSplit> unassigned = new ArrayList<>();
            for (int left = in.readInt(); left > 0; left--) {
                unassigned.add(splits.deserialize(splits.getVersion(), in.readNBytes(in.readInt())));
            }
            return new EnumeratorState(known, unassigned);
        }
    }
}
