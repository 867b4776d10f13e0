package gatherer.panes;

import static org.junit.jupiter.api.Assertions.assertEquals;

import gatherer.Update;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.types.Row;
import org.junit.jupiter.api.Test;

/** The rows and panes that Python reads; tests/gatherer/test_rows.py has the other half. */
class AnalysisRowTest {
    private static final Path JAVA = Path.of(System.getProperty("project.folder"));

    private static JsonNode description() throws IOException {
        return new ObjectMapper().readTree(JAVA.resolve("../row.json").toFile());
    }

    @Test
    void fieldsAndKindsAreThoseOfTheDescription() throws IOException {
        List<String> fields = new ArrayList<>();
        description().get("fields").forEach(each -> fields.add(each.get(0).asText()));
        List<String> kinds = new ArrayList<>();
        description().get("kinds").forEach(each -> kinds.add(each.asText()));
        assertEquals(fields, List.of(AnalysisRow.FIELDS));
        assertEquals(kinds, List.of(AnalysisRow.KINDS));
    }

    @Test
    void everyFieldIsInItsPlaceAndOfItsType() throws IOException {
        Update update = new Update();
        update.kind = Update.LETTER;
        update.symbol = "symbol";
        update.content = new byte[] {1};
        update.topic = "topic";
        update.partition = 2;
        update.offset = 3;
        update.writtenMs = 4;
        update.reason = "reason";
        update.detail = "detail";
        List<Object> record = List.of("symbol", "letter", update.content, "", "topic", 2, 3L, 4L, "reason", "detail");
        Row row = (Row) AnalysisRow.record(update).getField(1);
        Row panes = (Row) AnalysisRow.panes("symbol", update.content, 5, "topic").getField(1);
        assertEquals(record.size(), row.getArity());
        assertEquals(record.size(), panes.getArity());
        int index = 0;
        for (JsonNode field : description().get("fields")) {
            String name = field.get(0).asText();
            Object value = name.equals("clock_ms") ? panes.getField(index) : row.getField(index);
            assertEquals(name.equals("clock_ms") ? 5L : record.get(index), value, name);
            assertEquals(switch (field.get(1).asText()) {
                case "string" -> String.class;
                case "bytes" -> byte[].class;
                case "int" -> Integer.class;
                default -> Long.class;
            }, value.getClass());
            index++;
        }
    }

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
