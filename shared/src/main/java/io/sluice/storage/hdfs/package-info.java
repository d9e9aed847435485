/** Objects as files of HDFS, over WebHDFS. */
package io.sluice.storage.hdfs;
