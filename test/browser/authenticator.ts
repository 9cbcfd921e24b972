import type { Page } from 'playwright-core';
import { addPasskey } from '../support/passkeys.ts';
import type { TestServer } from '../support/server.ts';

export interface Authenticator {
  /** Registers a passkey of it for an account. The page must be one that has the script for it. */
  register(server: TestServer, accountId: string): Promise<string>;
  /** Whether somebody touches it when it is asked. What it is asked before that waits on. */
  touch(isTouched: boolean): Promise<void>;
  /** Whether it recognizes whom it belongs to. */
  recognize(isRecognized: boolean): Promise<void>;
}

/** Chromium's own, within the page: like the one that is built into a computer or a telephone. Nobody touches it yet. */
export async function plugIn(page: Page, { synced = true }: { synced?: boolean } = {}): Promise<Authenticator> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true },
      ...{ hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: false },
      ...{ defaultBackupEligibility: synced, defaultBackupState: synced },
    },
  });
  const touch = async (enabled: boolean) => {
    await session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
  };

  return {
    async register(server, accountId) {
      await touch(true);
      const createJSON = (_: string, options: never) => page.evaluate(create, options);
      const id = await addPasskey(server, accountId, { createJSON });
      await touch(false);
      return id;
    },
    touch,
    async recognize(isUserVerified) {
      await session.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
    },
  };
}

/** Runs in the page. */
function create(optionsJSON: never): Promise<unknown> {
  const { SimpleWebAuthnBrowser } = globalThis as unknown as {
    SimpleWebAuthnBrowser: { startRegistration(options: object): Promise<unknown> };
  };
  return SimpleWebAuthnBrowser.startRegistration({ optionsJSON });
}
