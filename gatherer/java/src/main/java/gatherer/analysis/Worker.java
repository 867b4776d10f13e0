package gatherer.analysis;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A Python process that answers each batch of rows (see `gatherer/worker.py`). They talk through the process's standard
 * input and output, so no other process can join in, and Python ends when this JVM does. Its standard error is ours.
 *
 * A thread does the writing and reading, so the task's thread can be interrupted. Its methods are for that thread
 * alone.
 */
final class Worker implements AutoCloseable {
    private static final long PATIENCE_SECONDS = 300;

    /** In the names of variables with logins to Kafka, Flink and stores, which only this JVM needs. */
    private static final Pattern SECRET = Pattern.compile("PASSWORD|SECRET|TOKEN|CREDENTIAL|KEY");

    private final Process process;
    private final Thread thread;
    private final Runnable onAnswer;
    private final BlockingQueue<byte[]> batches = new LinkedBlockingQueue<>();
    private final BlockingQueue<Answer> answers = new LinkedBlockingQueue<>();
    private int unanswered;

    /** What a batch has led to: one of the two is null. */
    private record Answer(byte[] bytes, Exception failure) {}

    /** @param settings what Python reads first; @param onAnswer called by another thread when {@link #poll} has news */
    Worker(List<String> command, byte[] settings, Runnable onAnswer) throws IOException {
        this.onAnswer = onAnswer;
        ProcessBuilder builder = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT);
        dropSecrets(builder.environment());
        process = builder.start();
        batches.add(settings);
        thread = new Thread(this::talk, "analysis of " + Thread.currentThread().getName());
        thread.setDaemon(true);
        thread.start();
    }

    /** The others stay: they tell which cluster the process belongs to. */
    static void dropSecrets(Map<String, String> environment) {
        environment.keySet().removeIf(name -> SECRET.matcher(name).find());
    }

    /** Batches that were sent and whose answers were not yet taken. */
    int unanswered() {
        return unanswered;
    }

    void send(byte[] batch) {
        unanswered++;
        batches.add(batch);
    }

    /** The next answer, or null when there is none yet. Throws an IOException when Python has ended. */
    byte[] poll() throws IOException {
        return taken(answers.poll());
    }

    /** The next answer. Throws an IOException when Python has ended or does not answer. */
    byte[] take() throws IOException, InterruptedException {
        Answer answer = answers.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
        if (answer == null) {
            throw new IOException("Python's analysis has not answered for " + PATIENCE_SECONDS + " s");
        }
        return taken(answer);
    }

    private byte[] taken(Answer answer) throws IOException {
        if (answer == null) {
            return null;
        }
        if (answer.failure != null) {
            throw new IOException(answer.failure.getMessage(), answer.failure);
        }
        unanswered--;
        return answer.bytes;
    }

    private void talk() {
        try (DataOutputStream to = new DataOutputStream(process.getOutputStream());
                DataInputStream from = new DataInputStream(new BufferedInputStream(process.getInputStream()))) {
            write(batches.take(), to);
            while (true) {
                write(batches.take(), to);
                byte[] answer = new byte[from.readInt()];
                from.readFully(answer);
                tell(new Answer(answer, null));
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        } catch (IOException error) {
            tell(new Answer(null, ended(error)));
        }
    }

    private static void write(byte[] frame, DataOutputStream to) throws IOException {
        to.writeInt(frame.length);
        to.write(frame);
        to.flush();
    }

    private void tell(Answer answer) {
        answers.add(answer);
        onAnswer.run();
    }

    private IOException ended(IOException error) {
        String how = error.getMessage();
        try {
            if (process.waitFor(1, TimeUnit.SECONDS)) {
                how = "exit code " + process.exitValue();
            }
        } catch (InterruptedException closed) {
            Thread.currentThread().interrupt();
        }
        IOException ended = new EOFException(
                "Python's analysis has ended (" + how + "); stderr of the TaskManager may say why");
        ended.addSuppressed(error);
        return ended;
    }

    @Override
    public void close() {
        process.destroyForcibly();
        thread.interrupt();
    }
}
