package flinkscripts.rest;

import static java.nio.charset.StandardCharsets.UTF_8;

import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.FullHttpResponse;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpContent;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpHeaderNames;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpMethod;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpRequest;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpResponseStatus;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.LastHttpContent;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.cookie.CookieHeaderNames.SameSite;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.cookie.DefaultCookie;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.cookie.ServerCookieEncoder;

/**
 * Lets a person open Flink's page where nothing in front of it can log in for them: a form takes the token, and the
 * browser gets a cookie for it. Addresses are relative, so that the form works behind a prefix such as /service/flink/.
 */
final class Login {
    private static final String PATH = "/login", FIELD = "token=";
    private static final int LONGEST_BODY = 1024;
    private static final String PAGE =
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Apache Flink</title>"
            + "<form method=\"post\" action=\"login\"><label>Token of this Flink: "
            + "<input name=\"token\" type=\"password\" autofocus></label> <button>Sign in</button></form></html>";

    private final Credentials credentials;
    private final StringBuilder body = new StringBuilder();

    Login(Credentials credentials) {
        this.credentials = credentials;
    }

    /** Whether a request is what the form sends. */
    static boolean isSubmitted(HttpRequest request) {
        return request.method().equals(HttpMethod.POST) && request.uri().equals(PATH);
    }

    /** Whether a browser asks for Flink's page. */
    static boolean isRequested(HttpRequest request) {
        return request.method().equals(HttpMethod.GET) && request.uri().equals("/")
                && request.headers().get(HttpHeaderNames.ACCEPT, "").contains("text/html");
    }

    static FullHttpResponse page() {
        FullHttpResponse page = Answers.of(HttpResponseStatus.UNAUTHORIZED, "text/html; charset=utf-8", PAGE);
        page.headers().set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'");
        return page;
    }

    void begin() {
        body.setLength(0);
    }

    /** Takes a part of what the form sends; returns the answer once there is one. */
    FullHttpResponse read(HttpContent part) {
        body.append(part.content().toString(UTF_8));
        if (body.length() > LONGEST_BODY) {
            return Answers.badRequest();
        }
        return part instanceof LastHttpContent ? answer() : null;
    }

    private FullHttpResponse answer() {
        // A token has no character that a form would escape.
        if (!body.toString().startsWith(FIELD) || !credentials.isToken(body.substring(FIELD.length()))) {
            return page();
        }
        DefaultCookie cookie = new DefaultCookie(Credentials.COOKIE, credentials.cookie());
        cookie.setHttpOnly(true);
        cookie.setSameSite(SameSite.Strict);
        FullHttpResponse answer = Answers.of(HttpResponseStatus.SEE_OTHER, "text/plain", "");
        // Without a path, the cookie is for the folder of this very address.
        answer.headers()
                .set(HttpHeaderNames.LOCATION, "./")
                .set(HttpHeaderNames.SET_COOKIE, ServerCookieEncoder.STRICT.encode(cookie));
        return answer;
    }
}
