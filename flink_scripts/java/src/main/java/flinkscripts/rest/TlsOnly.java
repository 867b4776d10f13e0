package flinkscripts.rest;

import org.apache.flink.shaded.netty4.io.netty.buffer.ByteBuf;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelHandlerContext;
import org.apache.flink.shaded.netty4.io.netty.channel.ChannelInboundHandlerAdapter;

/** Closes a connection that does not begin with TLS. Flink would answer it, with a redirect, before the guard. */
final class TlsOnly extends ChannelInboundHandlerAdapter {
    /** The first byte of a handshake. */
    private static final int HANDSHAKE = 22;

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        if (message instanceof ByteBuf bytes && bytes.isReadable() && bytes.getByte(bytes.readerIndex()) != HANDSHAKE) {
            bytes.release();
            context.close();
            return;
        }
        context.pipeline().remove(this);
        context.fireChannelRead(message);
    }
}
