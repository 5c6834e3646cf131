import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.MongoServer;
import de.bwaldvogel.mongo.MongoVersion;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.stream.Stream;

/**
 * A server for tests that speaks MongoDB's protocol: mongo-java-server, with what a job queue would miss.
 *
 * <p>Arguments: PORT (0 for any that is free), --wire=N (the newest version of the protocol that it says it speaks),
 * --version=X.Y.Z, --h2=FILE (keeps the data in a file, committed after each write; without partial indexes then),
 * --stdin (ends when its input is closed). It listens on this machine alone, and prints {@code ready mongodb://HOST:PORT}.
 */
public final class StandIn {
    private record Version(List<Integer> getVersionArray, int getWireVersion) implements MongoVersion {}

    private StandIn() {}

    public static void main(String[] arguments) throws Exception {
        int port = 0;
        int wire = 21;
        String version = "7.0.0";
        String file = null;
        boolean endsWithInput = false;
        for (String argument : arguments) {
            String value = argument.substring(argument.indexOf('=') + 1);
            if (argument.startsWith("--wire=")) {
                wire = Integer.parseInt(value);
            } else if (argument.startsWith("--version=")) {
                version = value;
            } else if (argument.startsWith("--h2=")) {
                file = value;
            } else if (argument.equals("--stdin")) {
                endsWithInput = true;
            } else {
                port = Integer.parseInt(argument);
            }
        }
        List<Integer> parts = Stream.of(version.split("\\.")).map(Integer::valueOf).toList();
        MongoBackend backend = file == null ? new Indexes.Backend() : new H2Backend(file);
        Commands commands = new Commands(backend.version(new Version(parts, wire)), parts.get(0));
        MongoServer server = new MongoServer(commands.asBackend());
        server.bind(new InetSocketAddress(InetAddress.getByName("127.0.0.1"), port));
        Runtime.getRuntime().addShutdownHook(new Thread(server::shutdownNow));
        System.out.println("ready mongodb://127.0.0.1:" + server.getLocalAddress().getPort());
        if (endsWithInput) {
            while (System.in.read() >= 0) {
                // Whatever is said means nothing.
            }
            System.exit(0);
        }
        Thread.currentThread().join();
    }
}
