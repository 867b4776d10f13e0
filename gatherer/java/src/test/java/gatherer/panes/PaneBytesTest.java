package gatherer.panes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;

/** The panes that Python reads; tests/gatherer/test_rows.py has the other half. */
class PaneBytesTest {
    private static final Path JAVA = Path.of(System.getProperty("project.folder"));

    @Test
    void panesAreWrittenAsTheExampleShows() throws IOException {
        PaneAccumulator first = new PaneAccumulator(true);
        first.add(1_000_200, 8193, 23_832_000_000L);
        first.add(1_000_100, 4097, -5);
        first.add(1_000_100, 4096, -5);
        PaneAccumulator second = new PaneAccumulator(false);
        second.add(1_001_000, 1, 99_999_999_999_999_999L);
        ByteBuffer bytes = ByteBuffer.allocate(PaneBytes.bytes(first) + PaneBytes.bytes(second));
        PaneBytes.write(bytes, 1_003_000, 1_001_000, first);
        PaneBytes.write(bytes, 1_003_000, 1_002_000, second);
        String example = Files.readString(JAVA.resolve("src/test/resources/panes.hex")).strip();
        assertEquals(example, HexFormat.of().formatHex(bytes.array()));
    }
}
