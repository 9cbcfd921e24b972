/** The first that fits counts: most browsers name those as well that they want to pass for. */
const FAMILIES: [RegExp, string][] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\/|\bOpera\//, 'Opera'],
  [/\bSamsungBrowser\//, 'Samsung Internet'],
  [/\bFirefox\/|\bFxiOS\//, 'Firefox'],
  [/\bChrome\/|\bChromium\/|\bCriOS\//, 'Chrome'],
  [/\bVersion\/\S+ .*Safari\//, 'Safari'],
  [/\bcurl\//, 'curl'],
];

const SYSTEMS: [RegExp, string][] = [
  [/\biPhone\b|\biPad\b|\biPod\b/, 'iOS'],
  [/\bAndroid\b/, 'Android'],
  [/\bWindows NT\b/, 'Windows'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bMac OS X\b|\bMacintosh\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

/** What is looked at: a visitor may send as much as they like. */
const LONGEST = 400;

/** Family and system of a User-Agent, and nothing that a visitor wrote: null where neither is known. */
export function browserName(userAgent: string): string | null {
  const text = userAgent.slice(0, LONGEST);
  const named = (list: [RegExp, string][]) => list.find(([pattern]) => pattern.test(text))?.[1];
  const [family, system] = [named(FAMILIES), named(SYSTEMS)];
  if (family && system) return `${family} on ${system}`;
  return family ?? system ?? null;
}
