package cdcfeatures;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.expressions.UserDefinedFunction;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.util.SerializableConfiguration;

/**
 * Moves a file of the executor's own disk into a folder of any of Hadoop's file systems. A function of Spark: (the file's
 * path, null for none; the folder's URI) to the URI of the moved file.
 */
public final class Stager implements UDF2<String, String, String> {

  private static final long serialVersionUID = 1L;

  private final SerializableConfiguration configuration;

  private Stager(Configuration configuration) {
    this.configuration = new SerializableConfiguration(configuration);
  }

  /**
   * As a function of Spark that runs once, wherever the optimizer would like to have it. Made here since {@code udf} of
   * Scala's functions and of Java's look the same from Python.
   *
   * @param configuration the driver's, which Spark itself takes to its executors, too
   */
  public static UserDefinedFunction function(Configuration configuration) {
    return functions.udf(new Stager(configuration), DataTypes.StringType).asNondeterministic();
  }

  @Override
  public String call(String file, String folder) throws IOException {
    if (file == null) return null;
    File local = new File(file);
    Path staged = new Path(folder, local.getName());
    try {
      staged.getFileSystem(configuration.value()).copyFromLocalFile(new Path(local.toURI()), staged);
    } finally {
      Files.deleteIfExists(local.toPath());
    }
    return staged.toString();
  }
}
