import { partitionOfRegion } from '../../core/index.ts';
import type { Finding } from '../../rules/index.ts';

/** The AWS partition of a finding, by its principal's ARN or its Region. */
export const partitionOf = ({ subject }: Finding): string =>
  subject.kind === 'principal'
    ? (subject.arn.split(':')[1] ?? 'aws')
    : partitionOfRegion(subject.kind === 'account-region' ? subject.region : '');
