package gatherer.source;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.concurrent.TimeoutException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.CorruptRecordException;
import org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.LeaderNotAvailableException;
import org.junit.jupiter.api.Test;

/** What is said of an exception of Kafka's clients. */
class TroubleTest {
    @Test
    void aMissingLeaderAndOneThatDoesNotAnswerAreSaidInTheSameWords() {
        String words = "Timed out waiting for a node assignment";
        for (Exception error : new Exception[] {
                     new TimeoutException(words),
                     new org.apache.flink.kafka.shaded.org.apache.kafka.common.errors.TimeoutException(words),
                     new LeaderNotAvailableException(words),
             }) {
            Trouble trouble = Trouble.of(new RuntimeException(error));
            assertEquals(Trouble.LEADERLESS, trouble.problem());
            assertEquals("no leader answers", trouble.label());
        }
    }

    @Test
    void otherTroublesAreSaidByTheirCodes() {
        assertEquals(Trouble.CORRUPT, Trouble.of(new CorruptRecordException("bad CRC")).label());
    }
}
