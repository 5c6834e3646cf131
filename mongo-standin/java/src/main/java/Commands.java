import de.bwaldvogel.mongo.MongoBackend;
import de.bwaldvogel.mongo.backend.DocumentComparator;
import de.bwaldvogel.mongo.backend.h2.H2Backend;
import de.bwaldvogel.mongo.bson.Document;
import de.bwaldvogel.mongo.exception.MongoServerError;
import de.bwaldvogel.mongo.exception.MongoServerException;
import de.bwaldvogel.mongo.wire.message.MongoMessage;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Stands before mongo-java-server: one command at a time, with answers that the drivers can read; what it would get
 * wrong in silence is refused.
 */
final class Commands {
    private static final Set<String> WRITES = Set.of(
        "insert", "update", "delete", "findAndModify", "createIndexes", "dropIndexes", "create", "drop",
        "dropDatabase", "bulkWrite");
    private static final Set<String> IN_PARTIAL_FILTERS =
        Set.of("$eq", "$gt", "$gte", "$lt", "$lte", "$type", "$exists", "$in");

    private final MongoBackend inner;
    private final int version;

    Commands(MongoBackend inner, int version) {
        this.inner = inner;
        this.version = version;
    }

    MongoBackend asBackend() {
        return (MongoBackend) Proxy.newProxyInstance(
            Commands.class.getClassLoader(),
            new Class<?>[] {MongoBackend.class},
            (proxy, method, arguments) -> {
                try {
                    if (method.getName().equals("handleMessage")) {
                        return answer((MongoMessage) arguments[0]);
                    }
                    return method.invoke(inner, arguments);
                } catch (InvocationTargetException thrown) {
                    throw thrown.getCause();
                }
            });
    }

    /** The answer is copied before another command can change the documents in it. */
    private synchronized Document answer(MongoMessage message) {
        Document command = message.getDocument();
        String name = command.keySet().iterator().next();
        Document answer;
        try {
            answer = carryOut(message, name, command);
        } catch (MongoServerError refusal) {
            throw refusal;
        } catch (MongoServerException refusal) {
            // The drivers cannot read a refusal without a code.
            boolean isMissing = name.equals("drop") && String.valueOf(refusal.getMessage()).contains("ns not found");
            throw isMissing
                ? new MongoServerError(26, "NamespaceNotFound", "ns not found")
                : new MongoServerError(8, "UnknownError", refusal.getMessage());
        } catch (RuntimeException fault) {
            throw new MongoServerError(8, "UnknownError", String.valueOf(fault));
        }
        answer = answer.cloneDeeply();
        if (inner instanceof H2Backend file && WRITES.contains(name)) {
            file.commit();
        }
        return answer;
    }

    private Document carryOut(MongoMessage message, String name, Document command) {
        refuse(name, command);
        switch (name) {
            case "hello":
                return run(message, new Document("isMaster", 1)).append("isWritablePrimary", true);
            case "bulkWrite":
                if (version < 8) {
                    // What a server says that speaks the protocol of 8.0 and keeps its data as an older one does.
                    throw new MongoServerError(
                        115, "CommandNotSupported", "BulkWrite may not be run without featureFlagBulkWriteCommand enabled");
                }
                return bulkWrite(message, command);
            case "update":
                return update(message, command);
            case "findAndModify":
                pickFirst(message, command);
                return inner.handleMessage(message);
            default:
                return inner.handleMessage(message);
        }
    }

    private static void refuse(String name, Document command) {
        List<Document> parts = new ArrayList<>(List.of(command));
        for (String list : List.of("updates", "deletes", "indexes")) {
            parts.addAll(documents(command.get(list)));
        }
        for (Document part : parts) {
            if (part.containsKey("collation")) {
                throw lacking("collation");
            }
            if (part != command && name.equals("update") && part.containsKey("sort")) {
                throw new MongoServerError(40415, "Location40415", "BSON field 'update.updates.sort' is an unknown field.");
            }
            if (part.get("u") instanceof List || part.get("update") instanceof List) {
                throw lacking("updates by a pipeline");
            }
            if (part.get("partialFilterExpression") instanceof Document filter) {
                checkPartial(filter);
            }
        }
        if (command.containsKey("startTransaction") || command.containsKey("autocommit")) {
            throw new MongoServerError(
                20, "IllegalOperation", "Transaction numbers are only allowed on a replica set member or mongos");
        }
        for (String list : List.of("projection", "fields")) {
            if (command.get(list) instanceof Document projection) {
                checkProjection(projection);
            }
        }
    }

    /** Only what MongoDB 6.0 takes in the filter of an index. */
    private static void checkPartial(Document filter) {
        for (Map.Entry<String, Object> condition : filter.entrySet()) {
            String path = condition.getKey();
            if (path.equals("$and") || path.equals("$or")) {
                documents(condition.getValue()).forEach(Commands::checkPartial);
            } else if (path.startsWith("$")) {
                throw new MongoServerError(67, "CannotCreateIndex", "unsupported expression in partial index: " + path);
            } else if (condition.getValue() instanceof Document tests) {
                for (Map.Entry<String, Object> test : tests.entrySet()) {
                    boolean isAbsence = test.getKey().equals("$exists") && !Boolean.TRUE.equals(test.getValue());
                    if (test.getKey().startsWith("$") && (isAbsence || !IN_PARTIAL_FILTERS.contains(test.getKey()))) {
                        throw new MongoServerError(
                            67, "CannotCreateIndex", "unsupported expression in partial index: " + test.getKey());
                    }
                }
            }
        }
    }

    private static void checkProjection(Document projection) {
        for (Map.Entry<String, Object> field : projection.entrySet()) {
            boolean isComputed = field.getValue() instanceof String text
                ? text.startsWith("$")
                : field.getValue() instanceof Document test
                    && !Set.of("$slice", "$elemMatch").contains(test.keySet().iterator().next());
            if (field.getKey().endsWith(".$") || isComputed) {
                throw lacking("the projection " + field);
            }
        }
    }

    /** Picks the first document of an order in one pass; mongo-java-server sorts all that match. */
    private void pickFirst(MongoMessage message, Document command) {
        if (!(command.get("sort") instanceof Document sort) || sort.isEmpty()) {
            return;
        }
        Document query = command.get("query") instanceof Document given ? given : new Document();
        Document find = new Document("find", command.get("findAndModify"))
            .append("filter", query)
            .append("batchSize", Integer.MAX_VALUE);
        DocumentComparator order = new DocumentComparator(sort);
        Document first = null;
        Document cursor = (Document) run(message, find).get("cursor");
        for (Document document : documents(cursor.get("firstBatch"))) {
            if (first == null || order.compare(document, first) < 0) {
                first = document;
            }
        }
        command.remove("sort");
        if (first != null) {
            Document picked = new Document("_id", first.get("_id"));
            command.put("query", query.isEmpty() ? picked : picked.append("$and", List.of(query)));
        }
    }

    /** Ends at the first statement that fails, unless it is told not to; mongo-java-server never does. */
    private Document update(MongoMessage message, Document command) {
        List<Document> statements = documents(command.get("updates"));
        if (statements.size() < 2 || Boolean.FALSE.equals(command.get("ordered"))) {
            return inner.handleMessage(message);
        }
        long matched = 0;
        long modified = 0;
        List<Document> errors = new ArrayList<>();
        for (int at = 0; at < statements.size() && errors.isEmpty(); at++) {
            Document one = new Document("update", command.get("update"))
                .append("updates", new ArrayList<>(List.of(statements.get(at))));
            Document answer = run(message, one);
            matched += ((Number) answer.get("n")).longValue();
            modified += ((Number) answer.get("nModified")).longValue();
            for (Document error : documents(answer.get("writeErrors"))) {
                error.put("index", at);
                errors.add(error);
            }
        }
        Document answer = new Document("n", (int) matched).append("nModified", (int) modified);
        if (!errors.isEmpty()) {
            answer.append("writeErrors", errors);
        }
        return answer.append("ok", 1.0);
    }

    /** The command of MongoDB 8.0 that takes writes of all kinds, here for one collection. */
    private Document bulkWrite(MongoMessage message, Document command) {
        List<Document> places = documents(command.get("nsInfo"));
        List<Document> results = new ArrayList<>();
        boolean isOrdered = !Boolean.FALSE.equals(command.get("ordered"));
        int faults = 0;
        for (Document operation : documents(command.get("ops"))) {
            Document result = write(message, operation, places);
            results.add(new Document("idx", results.size()));
            results.get(results.size() - 1).putAll(result);
            if (!Double.valueOf(1.0).equals(result.get("ok"))) {
                faults++;
                if (isOrdered) {
                    break;
                }
            }
        }
        Document cursor = new Document("id", 0L).append("firstBatch", results).append("ns", "admin.$cmd.bulkWrite");
        return new Document("cursor", cursor).append("nErrors", faults).append("ok", 1.0);
    }

    private Document write(MongoMessage message, Document operation, List<Document> places) {
        String kind = operation.keySet().iterator().next();
        String place = (String) places.get(((Number) operation.get(kind)).intValue()).get("ns");
        String database = place.substring(0, place.indexOf('.'));
        Document statement;
        String list;
        switch (kind) {
            case "insert":
                statement = (Document) operation.get("document");
                list = "documents";
                break;
            case "update":
                statement = new Document("q", operation.get("filter")).append("u", operation.get("updateMods"));
                for (String option : List.of("multi", "upsert", "arrayFilters")) {
                    if (operation.containsKey(option)) {
                        statement.append(option, operation.get(option));
                    }
                }
                list = "updates";
                break;
            case "delete":
                int limit = Boolean.TRUE.equals(operation.get("multi")) ? 0 : 1;
                statement = new Document("q", operation.get("filter")).append("limit", limit);
                list = "deletes";
                break;
            default:
                throw new MongoServerError(9, "FailedToParse", "unknown operation " + kind);
        }
        Document command = new Document(kind, place.substring(place.indexOf('.') + 1))
            .append(list, new ArrayList<>(List.of(statement)))
            .append("$db", database);
        Document answer = inner.handleMessage(new MongoMessage(message.getChannel(), message.getHeader(), command));
        List<Document> errors = documents(answer.get("writeErrors"));
        if (!errors.isEmpty()) {
            Document error = errors.get(0);
            return new Document("ok", 0.0)
                .append("code", error.get("code"))
                .append("errmsg", error.get("errmsg"))
                .append("n", 0);
        }
        Document result = new Document("ok", 1.0).append("n", answer.get("n"));
        if (answer.containsKey("nModified")) {
            result.append("nModified", answer.get("nModified"));
        }
        List<Document> upserted = documents(answer.get("upserted"));
        if (!upserted.isEmpty()) {
            result.append("upserted", new Document("index", 0).append("_id", upserted.get(0).get("_id")));
        }
        return result;
    }

    private Document run(MongoMessage message, Document command) {
        command.append("$db", message.getDatabaseName());
        return inner.handleMessage(new MongoMessage(message.getChannel(), message.getHeader(), command));
    }

    private static MongoServerError lacking(String what) {
        return new MongoServerError(238, "NotImplemented", "the stand-in does not have " + what);
    }

    private static List<Document> documents(Object list) {
        List<Document> documents = new ArrayList<>();
        if (list instanceof List<?> elements) {
            elements.forEach(element -> documents.add((Document) element));
        }
        return documents;
    }
}
