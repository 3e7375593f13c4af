/* Read by cppcheck alone (scripts/lint.py), which does not look into the headers of libraries: the
 * macros of theirs that would otherwise be syntax errors. */
#define json_array_foreach(array, at, item) for (at = 0; (item = array); at++)
#define json_object_foreach(object, key, item) for (key = ""; (item = object);)
