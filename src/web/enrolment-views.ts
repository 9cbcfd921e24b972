import type { LaterOffer, StepPage } from './view-parts.ts';

export interface TotpEnrolmentView extends StepPage {
  accountEmail: string;
  /** The name under which authenticator apps will list this account. */
  issuerName: string;
  /** Markup of our own QR encoder, printed as it is. Never anything a person or a client supplied. */
  qrSvg: string;
  /** Base32 in groups of four. */
  key: string;
  otpauthUri: string;
  /** Who asks for it: the operator's policy, this application, the person, or the first set-up. */
  reason: 'policy' | 'client' | 'chosen' | 'setup';
  /** Null: it cannot be put off. */
  later?: LaterOffer | null | undefined;
  /** A page of ours to go back to instead. */
  backHref?: string | null | undefined;
  /** Where a passkey would do as well. */
  passkeyHref?: string | null | undefined;
}

export interface PasskeyEnrolmentView extends StepPage {
  accountEmail: string;
  /** Of `navigator.credentials.create()`. */
  options: object;
  /** What the passkey is to be called. */
  name: string;
  /** Who asks for it: the operator's policy or this application. */
  reason: 'policy' | 'client';
  /** Nothing but a passkey will do. */
  isDemanded: boolean;
  /** Where an authenticator app would do as well. */
  totpHref: string | null;
  /** Null: it cannot be put off. */
  later: LaterOffer | null;
  /** Where there is a passkey already. */
  passkeyHref: string | null;
}
