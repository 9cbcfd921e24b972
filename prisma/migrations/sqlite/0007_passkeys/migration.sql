-- AlterTable: a table that others refer to is never made anew
ALTER TABLE "Account" ADD COLUMN "demandedLevel" TEXT;
ALTER TABLE "Account" ADD COLUMN "enrolmentDueAt" DATETIME;

-- AlterTable
ALTER TABLE "KnownBrowser" ADD COLUMN "trustedUntil" DATETIME;
ALTER TABLE "KnownBrowser" ADD COLUMN "trustedFactors" INTEGER;
ALTER TABLE "KnownBrowser" ADD COLUMN "browser" TEXT;

-- AlterTable
ALTER TABLE "MailedLink" ADD COLUMN "opensAt" DATETIME;

-- CreateTable
CREATE TABLE "Passkey" (
    "id" TEXT NOT NULL PRIMARY KEY,
    "accountId" TEXT NOT NULL,
    "credentialId" TEXT NOT NULL,
    "publicKey" TEXT NOT NULL,
    "counter" BIGINT NOT NULL,
    "aaguid" TEXT NOT NULL,
    "transports" TEXT NOT NULL,
    "synced" BOOLEAN NOT NULL,
    "backedUp" BOOLEAN NOT NULL,
    "name" TEXT NOT NULL,
    "createdAt" DATETIME NOT NULL,
    "lastUsedAt" DATETIME,
    CONSTRAINT "Passkey_accountId_fkey" FOREIGN KEY ("accountId") REFERENCES "Account" ("id") ON DELETE CASCADE ON UPDATE CASCADE
);

-- CreateIndex
CREATE UNIQUE INDEX "Passkey_credentialId_key" ON "Passkey"("credentialId");

-- CreateIndex
CREATE INDEX "Passkey_accountId_idx" ON "Passkey"("accountId");
