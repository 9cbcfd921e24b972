/** What a person calls the browser and the device, each null where it cannot be told. */
export interface Device {
  browser: string | null;
  system: string | null;
}

/** In this order: most browsers also go by the names of those that came before them. */
const BROWSERS: [RegExp, string][] = [
  [/\bEdgA?\/|\bEdgiOS\//, 'Edge'],
  [/\bOPR\/|\bOPT\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bChrome\/|\bHeadlessChrome\/|\bCriOS\/|\bChromium\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
];

const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b/, 'iPhone'],
  [/\biPad\b/, 'iPad'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/** Names from a closed list, whatever somebody sends: they are shown to the person again. */
export function deviceOf(userAgent: string): Device {
  const known = userAgent.slice(0, 512);
  const named = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(known))?.[1] ?? null;
  return { browser: named(BROWSERS), system: named(SYSTEMS) };
}
