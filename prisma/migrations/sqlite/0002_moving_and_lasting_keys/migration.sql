-- CreateTable
CREATE TABLE "LastingKey" (
    "label" TEXT NOT NULL PRIMARY KEY,
    "sealedKey" TEXT NOT NULL,
    "createdAt" DATETIME NOT NULL
);

-- RedefineTables
PRAGMA defer_foreign_keys=ON;
PRAGMA foreign_keys=OFF;
CREATE TABLE "new_Installation" (
    "id" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    "issuer" TEXT NOT NULL,
    "rpId" TEXT NOT NULL,
    "keyringId" TEXT NOT NULL,
    "createdAt" DATETIME NOT NULL,
    "standing" TEXT NOT NULL DEFAULT 'open',
    "leftFor" TEXT
);
INSERT INTO "new_Installation" ("createdAt", "id", "issuer", "keyringId", "rpId") SELECT "createdAt", "id", "issuer", "keyringId", "rpId" FROM "Installation";
DROP TABLE "Installation";
ALTER TABLE "new_Installation" RENAME TO "Installation";
PRAGMA foreign_keys=ON;
PRAGMA defer_foreign_keys=OFF;
