import { signInOnDevice } from './device.ts';

const { ISSUER = 'http://localhost:3000', CLIENT_ID = 'tv', SCOPE = 'openid email offline_access' } = process.env;

try {
  const { subject, email } = await signInOnDevice({
    ...{ issuer: ISSUER, clientId: CLIENT_ID, scope: SCOPE },
    show(code, address, addressWithCode) {
      console.log(`\n  Open    ${address}\n  and type ${code}\n`);
      if (addressWithCode) console.log(`  (as a QR code: ${addressWithCode})\n`);
    },
  });
  console.log(`Signed in as ${email ?? subject}.`);
} catch (err) {
  console.error(`Nobody was signed in: ${(err as Error).message}.`);
  process.exitCode = 1;
}
