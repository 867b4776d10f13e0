package org.apache.beam.sdk.fn.server;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.beam.model.pipeline.v1.Endpoints.ApiServiceDescriptor;
import org.apache.beam.vendor.grpc.v1p60p1.io.grpc.BindableService;
import org.apache.beam.vendor.grpc.v1p60p1.io.grpc.Server;
import org.apache.beam.vendor.grpc.v1p60p1.io.grpc.ServerInterceptors;
import org.apache.beam.vendor.grpc.v1p60p1.io.grpc.netty.NettyServerBuilder;

/**
 * The servers that a TaskManager's Python workers connect to, on loopback only. It takes the place of Beam's class of
 * this name, which listens on every interface, and has what Flink needs of it. It must stand before flink-python on the
 * class path.
 */
public abstract class ServerFactory {
    // Beam's own limits: no longest message, and a worker may ask every 19 s whether the server is there.
    private static final int LONGEST_MESSAGE = Integer.MAX_VALUE;
    private static final long KEEP_ALIVE_SECONDS = 19;

    /** The factory for servers on TCP ports. */
    public static ServerFactory createDefault() {
        return new Loopback();
    }

    /** Starts a server on a port that is free, and writes its address into the builder. */
    public abstract Server allocateAddressAndCreate(
            List<BindableService> services, ApiServiceDescriptor.Builder descriptor) throws IOException;

    /** Starts a server on the port of an address "host:port". */
    public abstract Server create(List<BindableService> services, ApiServiceDescriptor descriptor) throws IOException;

    private static final class Loopback extends ServerFactory {
        @Override
        public Server allocateAddressAndCreate(List<BindableService> services, ApiServiceDescriptor.Builder descriptor)
                throws IOException {
            Server server = start(services, 0);
            descriptor.setUrl(InetAddress.getLoopbackAddress().getHostAddress() + ":" + server.getPort());
            return server;
        }

        @Override
        public Server create(List<BindableService> services, ApiServiceDescriptor descriptor) throws IOException {
            String address = descriptor.getUrl();
            return start(services, Integer.parseInt(address.substring(address.lastIndexOf(':') + 1)));
        }

        private static Server start(List<BindableService> services, int port) throws IOException {
            NettyServerBuilder builder = NettyServerBuilder
                                                 .forAddress(
                                                         new InetSocketAddress(InetAddress.getLoopbackAddress(), port))
                                                 .maxInboundMessageSize(LONGEST_MESSAGE)
                                                 .permitKeepAliveTime(KEEP_ALIVE_SECONDS, TimeUnit.SECONDS);
            for (BindableService service : services) {
                builder.addService(
                        ServerInterceptors.intercept(service, GrpcContextHeaderAccessorProvider.interceptor()));
            }
            return builder.build().start();
        }
    }
}
