package flinkscripts.rest;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.flink.shaded.netty4.io.netty.buffer.Unpooled;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.DefaultFullHttpResponse;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.FullHttpResponse;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpHeaderNames;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpHeaderValues;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpResponseStatus;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpVersion;

/** The answers that the guard itself gives. The connection is closed after each. */
final class Answers {
    private Answers() {
    }

    static FullHttpResponse badRequest() {
        return refusal(HttpResponseStatus.BAD_REQUEST, "not a request that can be read, with one header Host");
    }

    static FullHttpResponse forbidden(String why) {
        return refusal(HttpResponseStatus.FORBIDDEN, why);
    }

    static FullHttpResponse unauthorized() {
        FullHttpResponse answer = refusal(
                HttpResponseStatus.UNAUTHORIZED, "the header Authorization must be: Bearer <token of this Flink>");
        answer.headers().set(HttpHeaderNames.WWW_AUTHENTICATE, "Bearer");
        return answer;
    }

    static FullHttpResponse of(HttpResponseStatus status, CharSequence contentType, String body) {
        FullHttpResponse answer = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, status, Unpooled.copiedBuffer(body, UTF_8));
        answer.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, contentType)
                .set(HttpHeaderNames.CONTENT_LENGTH, answer.content().readableBytes())
                .set(HttpHeaderNames.CACHE_CONTROL, HttpHeaderValues.NO_STORE)
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE);
        return answer;
    }

    /** In the form of Flink's own errors, so that its clients show the text. */
    private static FullHttpResponse refusal(HttpResponseStatus status, String why) {
        return of(status, HttpHeaderValues.APPLICATION_JSON, "{\"errors\":[\"" + why + "\"]}");
    }
}
