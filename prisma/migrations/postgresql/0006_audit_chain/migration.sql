-- AlterTable
ALTER TABLE "AuditEvent" ADD COLUMN     "mac" TEXT,
ADD COLUMN     "outcome" TEXT NOT NULL DEFAULT 'succeeded',
ADD COLUMN     "person" TEXT,
ADD COLUMN     "personalHash" TEXT,
ADD COLUMN     "previous" TEXT,
ADD COLUMN     "sealedPersonal" TEXT,
ADD COLUMN     "sequence" INTEGER;

-- CreateTable
CREATE TABLE "AuditAnchor" (
    "id" INTEGER NOT NULL,
    "sequence" INTEGER NOT NULL,
    "hash" TEXT NOT NULL,
    "at" TIMESTAMP(3) NOT NULL,
    "mac" TEXT NOT NULL,

    CONSTRAINT "AuditAnchor_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "AuditEvent_sequence_key" ON "AuditEvent"("sequence");

-- CreateIndex
CREATE INDEX "AuditEvent_person_idx" ON "AuditEvent"("person");

-- Whose the address of an older event is, so that it is erased with the rest of what that person left behind.
UPDATE "AuditEvent" SET "person" = CASE WHEN substr("actor", 1, 4) = 'acc_' THEN "actor" ELSE "accountId" END
  WHERE "address" IS NOT NULL;
UPDATE "AuditEvent" SET "outcome" = 'failed' WHERE "event" = 'sign_in.failed';
UPDATE "AuditEvent" SET "outcome" = 'refused' WHERE "event" IN ('sign_in.limited', 'consent.denied');
