/** `note`: nothing to mend, but good to know; `warning`: works, could be safer; `problem`: does not work. */
export type Status = 'ok' | 'note' | 'warning' | 'problem';

export interface Finding {
  check: string;
  status: Status;
  /** What was found and, where something is to be done, what. */
  message: string;
}

const finding =
  (status: Status) =>
  (check: string, message: string): Finding => ({ check, status, message });

export const ok = finding('ok');
export const note = finding('note');
export const warning = finding('warning');
export const problem = finding('problem');
