package flinkscripts.rest;

import java.util.Locale;
import java.util.Set;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelDuplexHandler;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelFuture;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelFutureListener;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelHandlerContext;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelPromise;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpContent;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpHeaderNames;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpHeaders;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpMethod;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpRequest;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpResponse;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.LastHttpContent;
import org.apache.flink.shaded.netty4.io.netty.handler.timeout.IdleStateEvent;
import org.apache.flink.shaded.netty4.io.netty.util.ReferenceCountUtil;

/**
 * Passes on the requests of one connection that carry credentials. It drops all others before Flink stores anything of
 * them. A request that comes from a page of another origin is refused whatever it carries.
 */
final class Guard extends ChannelDuplexHandler {
    /** What health checks ask for. The answer holds Flink's version, and how many jobs and slots there are. */
    private static final String PROBE = "/overview";

    private final Credentials credentials;
    /** The names that requests may address this server by; empty where it may have any. */
    private final Set<String> names;
    private final Login login;

    private enum State { PASSING, LOGGING_IN, ANSWERED }

    private State state = State.ANSWERED;
    /** Whether Flink has a request of this connection and has not answered it. */
    private boolean flinkWorks;
    /** Our own answer to the request that is being read. */
    private ChannelFuture answer;

    Guard(Credentials credentials, Set<String> names) {
        this.credentials = credentials;
        this.names = names;
        this.login = new Login(credentials);
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof HttpRequest request) {
            begin(context, request);
        }
        if (state == State.PASSING) {
            flinkWorks |= message instanceof LastHttpContent;
            context.fireChannelRead(message);
            return;
        }
        if (state == State.LOGGING_IN && message instanceof HttpContent content) {
            HttpResponse result = login.read(content);
            if (result != null) {
                answer(context, result);
            }
        }
        if (message instanceof LastHttpContent) {
            answer.addListener(ChannelFutureListener.CLOSE);
        }
        ReferenceCountUtil.release(message);
    }

    /** No page of another origin may read an answer: Flink would let all of them. */
    @Override
    public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
        if (message instanceof HttpResponse response) {
            response.headers().remove(HttpHeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN);
        }
        flinkWorks &= !(message instanceof LastHttpContent);
        context.write(message, promise);
    }

    /** Closes a connection that only waits: whoever opens many, or never ends a request, would hold them all. */
    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof IdleStateEvent && !flinkWorks) {
            context.close();
        } else {
            context.fireUserEventTriggered(event);
        }
    }

    private void begin(ChannelHandlerContext context, HttpRequest request) {
        HttpResponse refusal = refusalOfForeign(request);
        if (refusal != null) {
            answer(context, refusal);
        } else if (isProbe(request) || credentials.areIn(request.headers())) {
            state = State.PASSING;
        } else if (mayLogIn() && Login.isSubmitted(request)) {
            state = State.LOGGING_IN;
            login.begin();
        } else {
            answer(context, mayLogIn() && Login.isRequested(request) ? Login.page() : Answers.unauthorized());
        }
    }

    private void answer(ChannelHandlerContext context, HttpResponse response) {
        state = State.ANSWERED;
        answer = context.writeAndFlush(response);
    }

    /** On loopback, a browser sends a cookie to every port: the servers of other users would get it. */
    private boolean mayLogIn() {
        return names.isEmpty();
    }

    /** A request with a body is none: Flink would collect all of it in memory before it answers. */
    private static boolean isProbe(HttpRequest request) {
        HttpHeaders headers = request.headers();
        return request.method().equals(HttpMethod.GET) && request.uri().equals(PROBE)
                && !headers.contains(HttpHeaderNames.CONTENT_LENGTH)
                && !headers.contains(HttpHeaderNames.TRANSFER_ENCODING);
    }

    /** The answer to a request that a page of another web site may have caused; null for all others. */
    private HttpResponse refusalOfForeign(HttpRequest request) {
        HttpHeaders headers = request.headers();
        String host = headers.get(HttpHeaderNames.HOST, "").toLowerCase(Locale.ROOT);
        if (request.decoderResult().isFailure() || headers.getAll(HttpHeaderNames.HOST).size() != 1) {
            return Answers.badRequest();
        }
        if (!names.isEmpty() && !names.contains(host.replaceFirst(":[0-9]*$", ""))) {
            return Answers.forbidden("the header Host does not name this server");
        }
        String origin = headers.get(HttpHeaderNames.ORIGIN);
        if (origin != null && !origin.toLowerCase(Locale.ROOT).replaceFirst("^[a-z]+://", "").equals(host)) {
            return Answers.forbidden("the header Origin names another server");
        }
        return null;
    }
}
