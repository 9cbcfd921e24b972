/** What a person calls the browser and the device, each null where it cannot be told. */
export interface Device {
  browser: string | null;
  system: string | null;
}

/** The first that fits counts: most browsers also go by the names of those that came before them. */
const BROWSERS: [RegExp, string][] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOPT\/|\bOpera\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bVivaldi\//, 'Vivaldi'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bChrome\/|\bHeadlessChrome\/|\bCriOS\/|\bChromium\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/\bcurl\//, 'curl'],
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

/** What is looked at: a visitor may send as much as they like. */
const LONGEST = 512;

/** Names from a closed list, and nothing that a visitor wrote: they are kept, and shown to people. */
export function deviceOf(userAgent: string): Device {
  const text = userAgent.slice(0, LONGEST);
  const named = (names: [RegExp, string][]) => names.find(([pattern]) => pattern.test(text))?.[1] ?? null;
  return { browser: named(BROWSERS), system: named(SYSTEMS) };
}

/** Both in one, such as `Firefox on Linux`; null where neither is known. */
export function deviceName({ browser, system }: Device): string | null {
  return browser && system ? `${browser} on ${system}` : (browser ?? system);
}

/** The parts of such a name, for a language that joins them in its own way. */
export function partsOfName(name: string): Device {
  const [browser = name, system = null] = name.split(' on ');
  return { browser, system };
}
