package flinkscripts.rest;

import java.util.Optional;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.io.network.netty.OutboundChannelHandlerFactory;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelHandler;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelHandlerContext;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelOutboundHandlerAdapter;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelPromise;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpHeaderNames;
import org.apache.flink.shaded.netty4.io.netty.handler.codec.http.HttpRequest;
import org.apache.flink.util.ConfigurationException;

/** Lets Flink's own client of its REST API send the token. Flink finds this class by `META-INF/services`. */
public final class TokenSenderFactory implements OutboundChannelHandlerFactory {
    @Override
    public int priority() {
        return 0;
    }

    @Override
    public Optional<ChannelHandler> createHandler(Configuration configuration) throws ConfigurationException {
        return Optional.of(new TokenSender(Credentials.authorization()));
    }

    private static final class TokenSender extends ChannelOutboundHandlerAdapter {
        private final String authorization;

        TokenSender(String authorization) {
            this.authorization = authorization;
        }

        @Override
        public void write(ChannelHandlerContext context, Object message, ChannelPromise promise) {
            if (message instanceof HttpRequest request) {
                request.headers().set(HttpHeaderNames.AUTHORIZATION, authorization);
            }
            context.write(message, promise);
        }
    }
}
