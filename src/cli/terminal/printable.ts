/*
 * The attacker here chooses names: of accounts, roles, buckets, policies. AWS lets some of them hold characters that drive a
 * terminal (escape sequences, carriage returns) or turn the reading direction round, so that a finding shows another text than it has.
 * They are shown as escapes, not dropped: what is hidden in a name is part of the evidence.
 */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/** One line that is safe to print: every character that a terminal acts upon, or a reader cannot see, becomes its escape. */
export const printable = (text: string): string =>
  text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, '0')}`;
  });
