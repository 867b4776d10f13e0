package flinkscripts.rest;

import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.RestOptions;
import org.apache.flink.runtime.io.network.netty.InboundChannelHandlerFactory;
import org.apache.flink.shaded.netty4.io.netty.channel.Channel;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelHandler;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelInitializer;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelPipeline;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpServerCodec;
import org.apache.flink.shaded.netty4.io.netty.handler.timeout.IdleStateHandler;
import org.apache.flink.util.ConfigurationException;

/** Puts a {@link Guard} into each connection to Flink's REST API. Flink finds this class by `META-INF/services`. */
public final class GuardFactory implements InboundChannelHandlerFactory {
    /** A connection on which nothing moves for so long is closed, unless Flink still works on an answer. */
    private static final int IDLE_SECONDS = 20;
    private static final Set<String> LOOPBACK = Set.of("127.0.0.1", "localhost", "::1", "[::1]");

    @Override
    public int priority() {
        return Integer.MAX_VALUE;
    }

    /** Throws where there is no token: Flink closes the connection then. */
    @Override
    public Optional<ChannelHandler> createHandler(Configuration configuration, Map<String, String> responseHeaders)
            throws ConfigurationException {
        return Optional.of(new Installer(new Guard(Credentials.ofEnvironment(), names(configuration))));
    }

    /** On loopback, the names that are ours. On a network, a proxy may pass on any name that it was addressed by. */
    private static Set<String> names(Configuration configuration) {
        Set<String> names = new HashSet<>();
        if (LOOPBACK.contains(configuration.get(RestOptions.BIND_ADDRESS))) {
            names.addAll(LOOPBACK);
            names.add(configuration.get(RestOptions.ADDRESS).toLowerCase(Locale.ROOT));
        }
        return names;
    }

    /** Flink adds our handlers behind its own, which store uploads. The guard has to stand before them. */
    private static final class Installer extends ChannelInitializer<Channel> {
        private final Guard guard;

        Installer(Guard guard) {
            this.guard = guard;
        }

        @Override
        protected void initChannel(Channel channel) {
            ChannelPipeline pipeline = channel.pipeline();
            String codec = pipeline.context(HttpServerCodec.class).name();
            pipeline.addAfter(codec, "guard", guard);
            pipeline.addFirst("tls only", new TlsOnly());
            pipeline.addAfter(codec, "idle", new IdleStateHandler(0, 0, IDLE_SECONDS));
        }
    }
}
