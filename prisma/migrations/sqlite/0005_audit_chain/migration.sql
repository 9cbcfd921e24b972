-- CreateTable
CREATE TABLE "AuditAnchor" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "sequence" INTEGER NOT NULL,
    "hash" TEXT NOT NULL,
    "at" DATETIME NOT NULL,
    "mac" TEXT NOT NULL
);

-- RedefineTables
PRAGMA defer_foreign_keys=ON;
PRAGMA foreign_keys=OFF;
CREATE TABLE "new_AuditEvent" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "at" DATETIME NOT NULL,
    "event" TEXT NOT NULL,
    "outcome" TEXT NOT NULL DEFAULT 'succeeded',
    "actor" TEXT NOT NULL,
    "accountId" TEXT,
    "clientId" TEXT,
    "requestId" TEXT,
    "detail" TEXT NOT NULL,
    "address" TEXT,
    "person" TEXT,
    "sealedPersonal" TEXT,
    "personalHash" TEXT,
    "sequence" INTEGER,
    "previous" TEXT,
    "mac" TEXT
);
INSERT INTO "new_AuditEvent" ("accountId", "actor", "address", "at", "clientId", "detail", "event", "id", "requestId") SELECT "accountId", "actor", "address", "at", "clientId", "detail", "event", "id", "requestId" FROM "AuditEvent";
DROP TABLE "AuditEvent";
ALTER TABLE "new_AuditEvent" RENAME TO "AuditEvent";
CREATE UNIQUE INDEX "AuditEvent_sequence_key" ON "AuditEvent"("sequence");
CREATE INDEX "AuditEvent_at_idx" ON "AuditEvent"("at");
CREATE INDEX "AuditEvent_accountId_at_idx" ON "AuditEvent"("accountId", "at");
CREATE INDEX "AuditEvent_person_idx" ON "AuditEvent"("person");
PRAGMA foreign_keys=ON;
PRAGMA defer_foreign_keys=OFF;

-- Whose the address of an older event is, so that it is erased with the rest of what that person left behind.
UPDATE "AuditEvent" SET "person" = CASE WHEN substr("actor", 1, 4) = 'acc_' THEN "actor" ELSE "accountId" END
  WHERE "address" IS NOT NULL;
UPDATE "AuditEvent" SET "outcome" = 'failed' WHERE "event" = 'sign_in.failed';
UPDATE "AuditEvent" SET "outcome" = 'refused' WHERE "event" IN ('sign_in.limited', 'consent.denied');
