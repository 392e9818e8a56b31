// Package sources reads all sources of one target together and names the directories to watch.
package sources
