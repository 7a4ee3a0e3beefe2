export * from './change-approvals.ts';
export * from './change-record.ts';
export * from './change-signers.ts';
export * from './dossier.ts';
export { overrunOf } from './dossier-exceptions.ts';
export * from './errors.ts';
export {
  changeKey,
  dossierHashOf,
  isOpen,
  listDeclaredChanges,
  listReviews,
  readOpenReview,
  reviewKey,
  tellReviews,
} from './records.ts';
export * from './sign.ts';
export * from './standing.ts';
export * from './start.ts';
export * from './types.ts';
