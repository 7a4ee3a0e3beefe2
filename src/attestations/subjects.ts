/*
 * A pattern names the subjects an attestation is about, as reports write them:
 *
 *   666666666666/eu-central-1                         an account and Region
 *   666666666666/*                                    every Region of an account
 *   666666666666                                      an account as a whole
 *   arn:aws:iam::666666666666:role/ci/*               principals of an account
 *
 * `*` stands for any characters and nothing else is special. The account is always written out: a word that is given for every
 * account at once was given for none.
 */

const ACCOUNT = /^[0-9]{12}(?:\/[a-z0-9*-]+)?$/;
const PRINCIPAL = /^arn:aws(?:-[a-z]+)*:iam::[0-9]{12}:.+$/;
const MAX_LENGTH = 512;

/** Whether a pattern names its account. */
export const isSubjectPattern = (pattern: string): boolean =>
  pattern.length <= MAX_LENGTH && (ACCOUNT.test(pattern) || PRINCIPAL.test(pattern));

/**
 * Whether `pattern` names `subject`, letter for letter except `*`. Greedy from the left, each literal part found once: the time is
 * at most linear in `subject` for each part, whatever the pattern.
 */
export function matchesSubject(pattern: string, subject: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return subject === first;
  if (!subject.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = subject.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return subject.length - at >= last.length && subject.endsWith(last);
}
