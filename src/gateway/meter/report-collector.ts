import type { Place } from './report-place.ts';

/** The value at a pointer: the digits of a number as the JSON text has them, or something else that is there. */
export type Reported = { readonly number: string } | 'other';

/** One report of usage in a JSON document: the values by pointer below the report. Null members are absent. */
export type Report = ReadonlyMap<string, Reported>;

/** What a JSON document reports. */
export type ReadReports = {
  /** Of each place that holds an object. */
  readonly reports: readonly Report[];
  /** The pointer, within a report, of a member that one object repeats. Empty for the report itself. */
  readonly duplicated?: string;
  /** A place holds something that is neither an object nor null. */
  readonly isMalformed: boolean;
};

/** Collects the reports of one document after another, as a reader finds their parts. */
export type ReportCollector = {
  /** A number, text or boolean. Ignored if no pointer leads there. */
  readonly value: (place: Place | undefined, value: Reported) => void;
  readonly container: (place: Place, isArray: boolean) => void;
  /** An object repeats the member at this place. */
  readonly repeated: (place: Place) => void;
  /** Ends the document. One that is not JSON has no reports. */
  readonly take: (isJson: boolean) => ReadReports;
};

export const openReportCollector = (): ReportCollector => {
  let reports: Map<string, Reported>[] = [];
  let duplicated: string | undefined;
  let isMalformed = false;
  const value = (place: Place | undefined, found: Reported): void => {
    if (place?.value === undefined) {
      isMalformed ||= place?.report !== undefined;
      return;
    }
    (reports[place.value.report] ??= new Map()).set(place.value.pointer, found);
  };
  return {
    value,
    container: (place, isArray) => {
      // An array may be on the way to a value, but is neither one nor a report.
      if (place.value !== undefined || (isArray && place.report !== undefined)) {
        value(place, 'other');
      }
      if (place.report !== undefined && !isArray) reports[place.report] ??= new Map();
    },
    repeated: (place) => {
      duplicated ??= place.value?.pointer ?? '';
    },
    take: (isJson) => {
      const read: ReadReports = {
        reports: isJson ? reports.filter((report) => report !== undefined) : [],
        ...(isJson && duplicated !== undefined ? { duplicated } : {}),
        isMalformed: isJson && isMalformed,
      };
      reports = [];
      duplicated = undefined;
      isMalformed = false;
      return read;
    },
  };
};
