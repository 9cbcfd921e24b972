import type { ViewData } from '../../src/web/view-data.ts';

const client = { name: 'Meadow Notes', host: 'notes.meadow.example', logoUri: '/assets/mark.svg' };
const form = { action: '/interaction/u1/step', csrf: 'csrf-value', client };
const problem = { field: 'code', text: 'That code is not right.' } as const;
const step = { ...form, problem, cancelAction: '/interaction/u1/cancel' };
const accountEmail = 'ada@example.org';
const own = { csrf: 'csrf-value', accountEmail };
const at = '2031-05-06T14:05:00.000Z';

const others = (...forms: string[]) => forms.map((form) => ({ form, href: `/interaction/u1?method=${form}` }));

/** Data for every page with every field filled. */
export const samples: ViewData = {
  home: { issuer: 'https://id.example.org', discoveryHref: '/.well-known/openid-configuration' },
  'sign-in': {
    ...step,
    email: accountEmail,
    remember: true,
    forgottenHref: '/forgotten-password?flow=abc',
    signUpHref: '/sign-up?flow=abc',
    passkey: { action: '/interaction/u1/passkey', options: {} },
    alternatives: [],
    problem: { field: 'credentials', text: 'Email or password is not right.' },
  },
  'forgotten-password': {
    ...{ action: '/forgotten-password', csrf: 'csrf-value', email: 'ada', backHref: '/account' },
    problem: { field: 'email', text: 'That is no email address.' },
  },
  'password-reset': {
    ...{ action: '/link', csrf: 'csrf-value', accountEmail, minLength: 15 },
    problem: { field: 'new_password', text: 'That password is too short.' },
  },
  'account-recovery': {
    ...{ action: '/link', csrf: 'csrf-value', accountEmail, minLength: 15 },
    problem: { field: 'new_password', text: 'That password is too short.' },
  },
  'recovery-wait': { accountEmail, opensAt: at, until: '2031-05-09T14:05:00.000Z' },
  'sign-up': {
    ...{ action: '/sign-up', csrf: 'csrf-value', email: 'ada', domains: 'example.org', backHref: '/account' },
    problem: { field: 'email', text: 'That is no email address.' },
  },
  'new-account': {
    ...{ action: '/link', csrf: 'csrf-value', accountEmail, name: 'Ada', minLength: 15 },
    passkeyHref: '/link?method=passkey',
    problem: { field: 'new_password', text: 'That password is too short.' },
  },
  'new-account-passkey': {
    ...{ action: '/link', csrf: 'csrf-value', accountEmail, name: 'Ada', accountId: 'acc_1', options: {} },
    passwordHref: '/link',
    problem: { field: 'name', text: 'Use at most 100 ordinary characters.' },
  },
  'new-account-codes': {
    accountEmail,
    codes: ['k7qm-2xvr-9hdt', 'w3ne-8fju-5bpc', 'r6ya-4tgs-1zmk', 'd9vh-7cqe-2nxw', 'p2ub-6jrf-8ykd', 'h5ms-3wza-4tvg'],
    next: { href: '/account', label: 'Sign in' },
  },
  'link-question': {
    ...{ action: '/link', csrf: 'csrf-value', title: 'Your new address', submit: 'Yes' },
    paragraphs: ['Somebody asked for it.', 'If this was not you, close this page.'],
  },
  'device-code': {
    ...{ action: '/device', csrf: 'csrf-value', userCode: 'WDJB-MJHT' },
    problem: { field: 'code', text: 'No device waits for this code.' },
  },
  'device-confirm': {
    ...{ action: '/device/decision', csrf: 'csrf-value', client, userCode: 'WDJB-MJHT', accountEmail },
    ...{ browser: 'curl', system: 'Linux', address: '2001:db8::17', askedAt: at },
  },
  notice: {
    title: 'Look into your mailbox',
    paragraphs: ['A letter with a link is on its way.', 'The link works once.'],
    next: { href: '/account', label: 'Back to the sign-in' },
    also: { href: '/account/passkeys/new', label: 'Add a passkey' },
  },
  passkey: {
    ...{ ...step, accountEmail, alternatives: others('totp', 'recovery-code', 'password', 'passkey-enrolment') },
    options: {},
    trust: { days: 30, ticked: false },
    problem: { field: 'passkey', text: 'That passkey was not accepted.' },
  },
  totp: { ...step, accountEmail, alternatives: others('passkey', 'recovery-code'), trust: { days: 30, ticked: false } },
  'recovery-code': {
    ...{ ...step, accountEmail, alternatives: others('passkey', 'totp') },
    trust: { days: 30, ticked: true },
  },
  'totp-enrolment': {
    ...step,
    accountEmail,
    issuerName: 'Example Sign-in',
    qrSvg:
      '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M1 1h3v3h-3zM5 1h3v3h-3zM1 5h3v3h-3z"/></svg>',
    key: 'JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP',
    otpauthUri: 'otpauth://totp/Example:ada%40example.org?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Example',
    reason: 'client',
    passkeyHref: '/interaction/u1?method=passkey-enrolment',
    later: { action: '/interaction/u1/later', until: at },
  },
  'passkey-enrolment': {
    ...{ ...step, accountEmail, options: {}, name: 'Laptop', reason: 'client', isDemanded: false },
    later: { action: '/interaction/u1/later', until: at },
    ...{ totpHref: '/interaction/u1?method=totp-enrolment', passkeyHref: '/interaction/u1?method=passkey' },
    problem: { field: 'passkey', text: 'The passkey was not accepted.' },
  },
  'recovery-codes': {
    ...form,
    codes: ['k7qm-2xvr-9hdt', 'w3ne-8fju-5bpc', 'r6ya-4tgs-1zmk', 'd9vh-7cqe-2nxw', 'p2ub-6jrf-8ykd', 'h5ms-3wza-4tvg'],
  },
  'recovery-codes-left': { ...form, left: 3 },
  'new-password': {
    ...{ ...step, accountEmail, minLength: 15 },
    problem: { field: 'new_password', text: 'That password is too short.' },
  },
  'select-account': { ...form, accountEmail, cancelAction: '/interaction/u1/cancel' },
  'not-open': {
    ...{ ...form, accountEmail, applicationName: 'Meadow Notes', canSwitch: true },
    cancelAction: '/interaction/u1/cancel',
  },
  consent: {
    ...form,
    accountEmail,
    switchAction: '/interaction/u1/switch',
    items: [
      { title: 'See who you are', detail: 'your name and picture' },
      { title: 'See your email address', detail: null },
      { title: 'Stay connected', detail: 'when you are not using it, until you end it' },
    ],
    terms: { policyUri: 'https://notes.meadow.example/privacy', tosUri: 'https://notes.meadow.example/terms' },
    selfRegistered: true,
  },
  continue: { href: '/oauth2/authorize/u1', client },
  'sign-out': {
    form: '<form id="op.logoutForm" method="post" action="/oauth2/logout/confirm"><input type="hidden" name="xsrf" value="x1"/></form>',
    accountEmail,
    client,
  },
  'signed-out': { client, clientHref: 'https://notes.meadow.example/' },
  error: {
    status: 429,
    title: 'Too many tries',
    message: 'To protect accounts, this server now waits for a while.',
    hint: 'Go back to the application and start again.',
    requestId: 'req_7Yk2mQ',
    retryAt: '2031-05-06T14:05:00.000Z',
    client,
  },
  'setup-account': {
    ...form,
    client: null,
    email: accountEmail,
    name: 'Ada',
    problem: { field: 'password', text: 'That password is too short.' },
    minLength: 15,
  },
  'setup-done': {
    email: accountEmail,
    nextCommands: [
      'npx gatewright client create --name "Meadow Notes" --redirect-uri https://notes.meadow.example/callback',
    ],
  },
  account: {
    ...{ ...own, section: '', name: 'Ada', emailVerified: true, notice: 'Your password is changed.' },
    ...{ hasPassword: true, passkeys: 2, authenticators: 2, recoveryCodes: 9, fewCodes: false, sessions: 3 },
  },
  'account-profile': {
    ...{ ...own, section: 'profile', action: '/account/profile' },
    profile: { name: 'Ada', given_name: 'Ada', family_name: 'L', nickname: 'a', locale: 'en', zoneinfo: 'Nowhere' },
    problem: { field: 'zoneinfo', text: 'That is not a time zone.' },
  },
  'account-password': {
    ...{ ...own, section: 'password', action: '/account/password', minLength: 15 },
    ...{ hasPassword: true, mayRemove: true },
    problem: { field: 'new_password', text: 'That password is too short.' },
  },
  'account-email': {
    ...{ ...own, section: 'email', action: '/account/email/verify', emailVerified: false, mail: true },
    problem: { field: null, text: 'Too many tries.' },
  },
  'account-email-new': {
    ...{ ...own, section: 'email', action: '/account/email/new', email: 'ada@' },
    problem: { field: 'email', text: 'That is no email address.' },
  },
  'account-authenticators': {
    ...{ ...own, section: 'authenticators', mayRemove: true },
    authenticators: [{ id: 'otp_1', name: 'Phone', addedAt: at }],
  },
  'account-passkeys': {
    ...{ ...own, section: 'passkeys', kept: null, offered: true, mayAdd: true },
    passkeys: [
      { id: 'psk_1', name: 'My laptop', model: 'Windows Hello', synced: false, addedAt: at, usedAt: at },
      { id: 'psk_2', name: 'iCloud Keychain', model: null, synced: true, addedAt: at, usedAt: null },
    ],
  },
  'account-passkey-new': {
    ...{ ...own, section: 'passkeys', action: '/account/passkeys/new', options: {}, name: 'My "laptop"' },
    problem: { field: 'passkey', text: 'That passkey was not accepted.' },
  },
  'account-recovery-codes': { ...own, section: 'recovery-codes', left: 9, guarded: true },
  'account-sessions': {
    ...{ ...own, section: 'sessions' },
    sessions: [
      {
        ...{ uid: 'u1', browser: 'Firefox', system: 'Linux', address: '192.0.2.7' },
        ...{ signedInAt: at, seenAt: at, isThis: true },
      },
    ],
    trusted: [{ id: 't1', browser: 'Firefox', system: 'Linux', since: at, until: at, isThis: true }],
  },
  'account-activity': {
    ...{ ...own, section: 'activity', isFirst: false, olderHref: '/account/activity?before=1' },
    events: [
      {
        ...{ what: 'Somebody tried to sign in', at, outcome: 'Did not succeed', by: 'visitor', factor: 'Password' },
        ...{ browser: 'Firefox', system: 'Linux', address: '203.0.113.7', application: 'Meadow Notes' },
      },
    ],
  },
  'account-export': {
    ...{ ...own, section: 'export', action: '/account/export' },
    problem: { field: null, text: 'Too many tries. Try again in 2 minutes.' },
  },
  'account-delete': {
    ...{ ...own, section: 'delete', action: '/account/delete', days: 14, mail: true },
    problem: { field: 'email', text: 'That is not the address of your account.' },
  },
  'deletion-undo': { action: '/link', csrf: 'csrf-value', accountEmail, dueAt: at },
  'account-applications': {
    ...{ ...own, section: 'applications' },
    applications: [{ ...client, clientId: 'cli_1', since: at, may: [{ title: 'Read your posts', detail: 'Blog' }] }],
  },
};
