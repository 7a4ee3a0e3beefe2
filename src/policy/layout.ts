const WIDTH = 80;

/**
 * Breaks a paragraph at spaces to 80 columns. A word longer than the line stays whole, so that an ARN can be copied.
 *
 * @param first - stands before the first line, and its width before all others as spaces
 */
export function paragraph(text: string, first = ''): readonly string[] {
  const indent = ' '.repeat(first.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each, index) => ((index === 0 ? first : indent) + each).trimEnd());
}

/** A paragraph with a reference at the right margin, on its last line where it fits, else below. */
export function withReference(text: string, first: string, reference: string): readonly string[] {
  const lines = [...paragraph(text, first)];
  const last = lines.at(-1) ?? '';
  const room = WIDTH - last.length - reference.length;
  if (room >= 2) lines[lines.length - 1] = last + ' '.repeat(room) + reference;
  else lines.push(' '.repeat(Math.max(0, WIDTH - reference.length)) + reference);
  return lines;
}

/** `a, b and c`. */
export function listed(parts: readonly string[], word = 'and'): string {
  const last = parts.at(-1) ?? '';
  return parts.length < 2 ? last : `${parts.slice(0, -1).join(', ')} ${word} ${last}`;
}
