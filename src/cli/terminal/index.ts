export { displayWidth, takeColumns } from '../../core/display-width.ts';
export { printable } from './printable.ts';
export { type Paint, painter, type Tone } from './style.ts';
export { type Column, table } from './table.ts';
export { wrap, wrapLines } from './wrap.ts';
