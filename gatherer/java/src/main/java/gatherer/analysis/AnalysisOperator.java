package gatherer.analysis;

import gatherer.Update;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * The analysis of positions, which a Python process of each subtask does. Rows go to it in batches; its answers hold
 * records for the output topics, and changes of the positions' state.
 *
 * While Python is busy, rows add up to the next batch. So a row waits for nothing when there is little to do, and
 * batches are large when there is much. The state is what Python said, kept here; before the first row of a position
 * after a (re)start, Python gets it back. A checkpoint waits for all answers.
 */
public final class AnalysisOperator
        extends AbstractStreamOperator<Result> implements OneInputStreamOperator<Update, Result> {
    private static final long serialVersionUID = 1L;

    /** The kind of a row with the state of a position; the others are those of {@link Update}. */
    private static final int STATE = 3;

    /** The kinds of answers. */
    private static final int RECORD = 0, CHANGE = 1, FAILURE = 2;

    private static final int NONE = -1;

    /** One that Python works at, and one that waits for it. */
    private static final int BATCHES = 2;

    private static final int FULL_BYTES = 1 << 18;

    private final List<String> command;
    private final String settings;
    private final List<String> topics;
    private final transient MailboxExecutor mailbox;

    /** By Python's keys, which mean nothing here. */
    private transient MapState<Long, byte[]> state;

    private transient Set<String> known;
    private transient DataOutputSerializer batch;
    private transient Worker worker;

    AnalysisOperator(
            StreamOperatorParameters<Result> parameters, List<String> command, String settings, List<String> topics) {
        super(parameters);
        mailbox = parameters.getMailboxExecutor();
        this.command = command;
        this.settings = settings;
        this.topics = topics;
    }

    @Override
    public void open() throws Exception {
        super.open();
        state = getRuntimeContext().getMapState(new MapStateDescriptor<>(
                "position", Types.LONG, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        known = new HashSet<>();
        batch = new DataOutputSerializer(FULL_BYTES);
        worker = new Worker(command, settings.getBytes(StandardCharsets.UTF_8), this::announce);
    }

    @Override
    public void processElement(StreamRecord<Update> element) throws Exception {
        Update update = element.getValue();
        boolean isOfPosition = update.kind != Update.LETTER && update.symbol != null;
        if (isOfPosition && known.add(update.symbol)) {
            addState(update.symbol);
        }
        add(update);
        while (batch.length() >= FULL_BYTES && worker.unanswered() >= BATCHES) {
            use(worker.take());
        }
        sendIfWanted();
    }

    @Override
    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        awaitAll();
    }

    @Override
    public void finish() throws Exception {
        awaitAll();
        super.finish();
    }

    @Override
    public void close() throws Exception {
        if (worker != null) {
            worker.close();
        }
        super.close();
    }

    /** Called by the worker's thread. */
    private void announce() {
        try {
            mailbox.execute(this::useAnswers, "answers of the analysis");
        } catch (RejectedExecutionException closed) {
            LOG.debug("an answer came after the end of the task");
        }
    }

    private void useAnswers() throws Exception {
        byte[] answer;
        while ((answer = worker.poll()) != null) {
            use(answer);
        }
        sendIfWanted();
    }

    private void awaitAll() throws Exception {
        send();
        while (worker.unanswered() > 0) {
            use(worker.take());
        }
    }

    private void sendIfWanted() {
        if (worker.unanswered() < BATCHES) {
            send();
        }
    }

    private void send() {
        if (batch.length() > 0) {
            worker.send(batch.getCopyOfBuffer());
            batch.clear();
        }
    }

    private void addState(String symbol) throws Exception {
        DataOutputSerializer entries = new DataOutputSerializer(64);
        for (Map.Entry<Long, byte[]> entry : state.entries()) {
            entries.writeLong(entry.getKey());
            entries.writeInt(entry.getValue().length);
            entries.write(entry.getValue());
        }
        if (entries.length() > 0) {
            Update update = Update.of(STATE, symbol, null, 0);
            update.content = entries.getCopyOfBuffer();
            add(update);
        }
    }

    /** In the form that `rows.py` reads. */
    private void add(Update update) throws IOException {
        byte[] symbol = utf8(update.symbol);
        byte[] topic = utf8(update.topic);
        byte[] reason = utf8(update.reason);
        byte[] detail = utf8(update.detail);
        batch.writeByte(update.kind);
        batch.writeLong(update.clockMs);
        batch.writeInt(update.partition);
        batch.writeLong(update.offset);
        batch.writeLong(update.writtenMs);
        for (byte[] each : new byte[][] {symbol, update.content, topic, reason, detail}) {
            batch.writeInt(each == null ? NONE : each.length);
        }
        for (byte[] each : new byte[][] {symbol, update.content, topic, reason, detail}) {
            if (each != null) {
                batch.write(each);
            }
        }
    }

    private static byte[] utf8(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    /** Reads what `answers.py` writes. */
    private void use(byte[] answer) throws Exception {
        ByteBuffer from = ByteBuffer.wrap(answer);
        while (from.hasRemaining()) {
            int kind = from.get();
            int topic = from.get();
            long key = from.getLong();
            int symbolLength = from.getInt();
            int contentLength = from.getInt();
            byte[] symbol = bytes(from, symbolLength);
            byte[] content = bytes(from, contentLength);
            if (kind == RECORD) {
                Result result = new Result();
                result.topic = topics.get(topic);
                result.key = symbol;
                result.value = content;
                output.collect(new StreamRecord<>(result));
            } else if (kind == CHANGE) {
                change(new String(symbol, StandardCharsets.UTF_8), key, content);
            } else if (kind == FAILURE) {
                throw new IOException("Python's analysis failed: " + new String(content, StandardCharsets.UTF_8));
            } else {
                throw new IOException("Python's analysis answered with the unknown kind " + kind);
            }
        }
    }

    private static byte[] bytes(ByteBuffer from, int length) {
        if (length == NONE) {
            return null;
        }
        byte[] bytes = new byte[length];
        from.get(bytes);
        return bytes;
    }

    private void change(String symbol, long key, byte[] content) throws Exception {
        setCurrentKey(symbol);
        if (content == null) {
            state.remove(key);
        } else {
            state.put(key, content);
        }
    }
}
