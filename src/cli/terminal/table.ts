import { displayWidth, takeColumns } from '../../core/display-width.ts';

export interface Column {
  readonly header: string;
  readonly align?: 'left' | 'right';
  /** The column that gives way when the table is too wide; without one the last column does. */
  readonly gives?: boolean;
}

const GAP = '  ';
const MINIMUM = 4;

/**
 * Lines of a table with a header, columns two spaces apart, at most `width` wide. What does not fit is cut with `...` in the
 * column that gives.
 * @param rows - printable cells, one for each column
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number,
): readonly string[] {
  const all = [columns.map((column) => column.header), ...rows];
  const widths = columns.map((_, index) => Math.max(...all.map((row) => displayWidth(row[index] ?? ''))));
  const total = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (columns.length - 1);
  const giving = columns.findIndex((column) => column.gives === true);
  const index = giving === -1 ? columns.length - 1 : giving;
  widths[index] = Math.max(MINIMUM, (widths[index] ?? 0) - Math.max(0, total - width));
  return all.map((row) =>
    columns
      .map((column, at) => pad(cut(row[at] ?? '', widths[at] ?? 0), widths[at] ?? 0, column.align ?? 'left'))
      .join(GAP)
      .trimEnd(),
  );
}

const cut = (text: string, width: number): string =>
  displayWidth(text) <= width ? text : `${takeColumns(text, Math.max(1, width - 3))}...`;

function pad(text: string, width: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'right' ? space + text : text + space;
}
