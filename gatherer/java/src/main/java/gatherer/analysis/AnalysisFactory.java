package gatherer.analysis;

import gatherer.Update;
import java.util.List;
import org.apache.flink.streaming.api.operators.AbstractStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.ChainingStrategy;
import org.apache.flink.streaming.api.operators.OneInputStreamOperatorFactory;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;

/** Makes the operator of the analysis in each subtask. */
public final class AnalysisFactory
        extends AbstractStreamOperatorFactory<Result> implements OneInputStreamOperatorFactory<Update, Result> {
    private static final long serialVersionUID = 1L;

    private final List<String> command;
    private final String settings;
    private final List<String> topics;

    /**
     * @param command starts the Python process; @param settings what it reads first; @param topics by the numbers in
     *         its answers
     */
    public AnalysisFactory(List<String> command, String settings, List<String> topics) {
        this.command = List.copyOf(command);
        this.settings = settings;
        this.topics = List.copyOf(topics);
        setChainingStrategy(ChainingStrategy.ALWAYS);
    }

    @Override
    @SuppressWarnings("unchecked")
    public <T extends StreamOperator<Result>> T createStreamOperator(StreamOperatorParameters<Result> parameters) {
        return (T) new AnalysisOperator(parameters, command, settings, topics);
    }

    @Override
    @SuppressWarnings("rawtypes")
    public Class<? extends StreamOperator> getStreamOperatorClass(ClassLoader classLoader) {
        return AnalysisOperator.class;
    }
}
