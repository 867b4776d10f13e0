package flinkscripts.rest;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpHeaderNames;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpHeaders;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.cookie.Cookie;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.cookie.ServerCookieDecoder;
import org.apache.flink.util.ConfigurationException;

/** What a request must carry: the token, the cookie that a login sets, or the secret of the front door. */
final class Credentials {
    /** The environment variable that holds the token. `flink_scripts/token.py` checks its form, too. */
    static final String TOKEN_VARIABLE = "FLINK_TOKEN";
    static final String COOKIE = "flink-login";

    private static final String PROXY_VARIABLE = "PROXY_SECRET", PROXY_HEADER = "X-Proxy-Secret";
    private static final String SCHEME = "Bearer ", MAC = "HmacSHA256";
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9_-]{32,256}");

    private final byte[] token;
    private final byte[] proxySecret;
    private final byte[] cookie;

    private Credentials(String token, String proxySecret) {
        this.token = token.getBytes(UTF_8);
        this.proxySecret = proxySecret.getBytes(UTF_8);
        this.cookie = derive(this.token).getBytes(UTF_8);
    }

    /** The credentials of this process. Without a well-formed token there are none, and nothing may be answered. */
    static Credentials ofEnvironment() throws ConfigurationException {
        String token = System.getenv().getOrDefault(TOKEN_VARIABLE, "");
        if (!TOKEN.matcher(token).matches()) {
            throw new ConfigurationException(TOKEN_VARIABLE + " holds no token: 32 to 256 letters, digits, _ or -");
        }
        return new Credentials(token, System.getenv().getOrDefault(PROXY_VARIABLE, ""));
    }

    /** Whether a request carries any of them. */
    boolean areIn(HttpHeaders headers) {
        String authorization = headers.get(HttpHeaderNames.AUTHORIZATION, "");
        if (authorization.startsWith(SCHEME) && isToken(authorization.substring(SCHEME.length()))) {
            return true;
        }
        if (proxySecret.length > 0 && same(proxySecret, headers.get(PROXY_HEADER, ""))) {
            return true;
        }
        for (String line : headers.getAll(HttpHeaderNames.COOKIE)) {
            for (Cookie each : ServerCookieDecoder.STRICT.decodeAll(line)) {
                if (each.name().equals(COOKIE) && same(cookie, each.value())) {
                    return true;
                }
            }
        }
        return false;
    }

    boolean isToken(String given) {
        return same(token, given);
    }

    /** The value of the cookie. The token cannot be computed from it. */
    String cookie() {
        return new String(cookie, UTF_8);
    }

    /** The value of the header Authorization that a client sends. */
    static String authorization() throws ConfigurationException {
        return SCHEME + new String(ofEnvironment().token, UTF_8);
    }

    /** Compares in a time that does not depend on where the two differ. */
    private static boolean same(byte[] secret, String given) {
        return MessageDigest.isEqual(secret, given.getBytes(UTF_8));
    }

    private static String derive(byte[] token) {
        try {
            Mac mac = Mac.getInstance(MAC);
            mac.init(new SecretKeySpec(token, MAC));
            return HexFormat.of().formatHex(mac.doFinal("cookie of a browser".getBytes(UTF_8)));
        } catch (GeneralSecurityException error) {
            throw new IllegalStateException(MAC + " is part of every Java", error);
        }
    }
}
