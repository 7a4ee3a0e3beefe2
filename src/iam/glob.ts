/**
 * Whether `text` as a whole matches `pattern`, where `*` stands for any run of characters (also none) and `anyOne` for exactly one ('': nothing does).
 * Only the last `*` is ever tried again, so it takes at most |pattern| x |text| steps, whatever the pattern: patterns come from
 * policy documents that anyone in an account may have written.
 */
export function globMatches(pattern: string, text: string, anyOne = '?'): boolean {
  let inPattern = 0;
  let inText = 0;
  let afterStar = -1;
  let starCovers = 0;
  while (inText < text.length) {
    const expected = pattern[inPattern];
    if (expected === '*') {
      afterStar = ++inPattern;
      starCovers = inText;
    } else if (expected !== undefined && (expected === anyOne || expected === text[inText])) {
      inPattern++;
      inText++;
    } else if (afterStar >= 0) {
      inPattern = afterStar;
      inText = ++starCovers;
    } else {
      return false;
    }
  }
  while (pattern[inPattern] === '*') inPattern++;
  return inPattern === pattern.length;
}

/** IAM action names do not depend on case. */
export const actionMatches = (pattern: string, action: string): boolean =>
  globMatches(pattern.toLowerCase(), action.toLowerCase());

const ARN_SEGMENTS = 6;

/**
 * Whether `arn` matches `pattern` as the IAM operator `ArnLike` compares: segment by segment, so that a wildcard does not cross a
 * colon except in the last segment, which is the rest of the ARN. Case counts.
 */
export function arnLike(pattern: string, arn: string): boolean {
  const patterns = segmentsOf(pattern);
  const segments = segmentsOf(arn);
  return (
    patterns.length === ARN_SEGMENTS &&
    segments.length === ARN_SEGMENTS &&
    patterns.every((part, index) => globMatches(part, segments[index] ?? ''))
  );
}

function segmentsOf(arn: string): readonly string[] {
  const parts = arn.split(':');
  return parts.length < ARN_SEGMENTS
    ? parts
    : [...parts.slice(0, ARN_SEGMENTS - 1), parts.slice(ARN_SEGMENTS - 1).join(':')];
}
