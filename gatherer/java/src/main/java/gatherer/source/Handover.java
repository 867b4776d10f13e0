package gatherer.source;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;

/** A short queue from the fetching thread to the task's, which must not block. */
final class Handover {
    private static final int CAPACITY = 4;

    private final Queue<List<News>> queue = new ArrayDeque<>();
    private CompletableFuture<Void> available = new CompletableFuture<>();
    private Throwable failure;
    private boolean closed;

    /** Waits until there is space; false when nobody listens any more. */
    synchronized boolean put(List<News> news) throws InterruptedException {
        while (queue.size() >= CAPACITY && !closed) {
            wait();
        }
        queue.add(news);
        available.complete(null);
        return !closed;
    }

    /** Makes the next `poll` fail. */
    synchronized void fail(Throwable error) {
        failure = error;
        available.complete(null);
    }

    /** Completes `available` once, without news. */
    synchronized void wake() {
        available.complete(null);
    }

    /** The next news, null when there are none now. */
    synchronized List<News> poll() {
        if (failure != null) {
            throw new IllegalStateException("reading from Kafka failed", failure);
        }
        List<News> next = queue.poll();
        if (queue.isEmpty() && available.isDone()) {
            available = new CompletableFuture<>();
        }
        notifyAll();
        return next;
    }

    /** Completes when `poll` has news. */
    synchronized CompletableFuture<Void> available() {
        return available;
    }

    synchronized void close() {
        closed = true;
        notifyAll();
    }
}
