package gatherer.analysis;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WorkerTest {
    @Test
    void pythonGetsNoSecrets() {
        Map<String, String> environment = new HashMap<>(Map.of("KAFKA_PASSWORD", "a", "KAFKA_KEY", "b",
                "AWS_SECRET_ACCESS_KEY", "c", "FLINK_TOKEN_FILE", "d", "PATH", "e", "MESOS_TASK_ID", "f"));
        Worker.dropSecrets(environment);
        assertEquals(Set.of("PATH", "MESOS_TASK_ID"), environment.keySet());
    }
}
