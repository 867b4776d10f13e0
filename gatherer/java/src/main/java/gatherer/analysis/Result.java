package gatherer.analysis;

import org.apache.flink.api.common.typeinfo.TypeInformation;

/** A record for an output topic. Flink serializes it field by field, so fields are public. */
public final class Result {
    public static final TypeInformation<Result> TYPE = TypeInformation.of(Result.class);

    public String topic;

    /** The symbol in UTF-8; null when there is none. */
    public byte[] key;

    public byte[] value;
}
