// Package sources reads all the sources of one target together and says which directories they are in.
package sources
