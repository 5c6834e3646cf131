import de.bwaldvogel.mongo.MongoCollection;
import de.bwaldvogel.mongo.MongoDatabase;
import de.bwaldvogel.mongo.backend.CollectionOptions;
import de.bwaldvogel.mongo.backend.CursorRegistry;
import de.bwaldvogel.mongo.backend.DefaultQueryMatcher;
import de.bwaldvogel.mongo.backend.Index;
import de.bwaldvogel.mongo.backend.IndexKey;
import de.bwaldvogel.mongo.backend.QueryResult;
import de.bwaldvogel.mongo.backend.memory.MemoryBackend;
import de.bwaldvogel.mongo.backend.memory.MemoryCollection;
import de.bwaldvogel.mongo.backend.memory.MemoryDatabase;
import de.bwaldvogel.mongo.backend.memory.index.MemoryUniqueIndex;
import de.bwaldvogel.mongo.bson.Document;
import java.util.List;
import java.util.Set;

/** Indexes as MongoDB has them: unique ones over some documents only, and that of the ids where more is asked for. */
final class Indexes {
    private Indexes() {}

    static final class Backend extends MemoryBackend {
        @Override
        public MemoryDatabase openOrCreateDatabase(String name) {
            return new Database(name, getCursorRegistry());
        }
    }

    private static final class Database extends MemoryDatabase {
        private final CursorRegistry cursors;
        private Document filter;

        Database(String name, CursorRegistry cursors) {
            super(name, cursors);
            this.cursors = cursors;
        }

        @Override
        protected MemoryCollection openOrCreateCollection(String name, CollectionOptions options) {
            return new Collection(this, name, options, cursors);
        }

        @Override
        protected synchronized void addIndex(Document description) {
            // Making a collection adds the index of its ids from within.
            Document outer = filter;
            filter = (Document) description.get("partialFilterExpression");
            try {
                super.addIndex(description);
            } finally {
                filter = outer;
            }
        }

        @Override
        protected Index<Integer> openOrCreateUniqueIndex(String collection, String name, List<IndexKey> keys, boolean sparse) {
            if (filter == null) {
                return super.openOrCreateUniqueIndex(collection, name, keys, sparse);
            }
            return new PartialIndex(name, keys, filter);
        }
    }

    /** Looks documents up by their ids also where the query has other conditions beside. */
    private static final class Collection extends MemoryCollection {
        Collection(MongoDatabase database, String name, CollectionOptions options, CursorRegistry cursors) {
            super(database, name, options, cursors);
        }

        @Override
        protected QueryResult queryDocuments(
            Document query, Document order, int skip, int limit, int page, Document fields) {
            if (query.containsKey("_id")) {
                Object id = query.get("_id");
                if (id instanceof Document test && test.keySet().equals(Set.of("$eq"))) {
                    id = test.get("$eq");
                }
                Document byId = new Document("_id", id);
                for (Index<Integer> index : getIndexes()) {
                    if (index.canHandle(byId)) {
                        return matchDocuments(query, index.getPositions(byId), order, skip, limit, page, fields);
                    }
                }
            }
            return super.queryDocuments(query, order, skip, limit, page, fields);
        }
    }

    /** A unique index whose filter mongo-java-server passes over. */
    private static final class PartialIndex extends MemoryUniqueIndex {
        private final Document filter;

        PartialIndex(String name, List<IndexKey> keys, Document filter) {
            super(name, keys, true);
            this.filter = filter.cloneDeeply();
        }

        private boolean takes(Document document) {
            return new DefaultQueryMatcher().matches(document, filter);
        }

        @Override
        public void checkAdd(Document document, MongoCollection<Integer> collection) {
            if (takes(document)) {
                super.checkAdd(document, collection);
            }
        }

        @Override
        public void add(Document document, Integer position, MongoCollection<Integer> collection) {
            if (takes(document)) {
                super.add(document, position, collection);
            }
        }

        @Override
        public Integer remove(Document document) {
            return takes(document) ? super.remove(document) : null;
        }

        @Override
        public void checkUpdate(Document before, Document after, MongoCollection<Integer> collection) {
            if (!takes(after)) {
                return;
            }
            if (takes(before)) {
                super.checkUpdate(before, after, collection);
            } else {
                super.checkAdd(after, collection);
            }
        }

        @Override
        public void updateInPlace(Document before, Document after, Integer position, MongoCollection<Integer> collection) {
            boolean was = takes(before);
            boolean is = takes(after);
            if (was && is) {
                super.updateInPlace(before, after, position, collection);
            } else if (was) {
                super.remove(before);
            } else if (is) {
                super.add(after, position, collection);
            }
        }

        @Override
        public Integer getPosition(Document document) {
            return takes(document) ? super.getPosition(document) : null;
        }

        @Override
        public boolean canHandle(Document query) {
            return false;
        }
    }
}
