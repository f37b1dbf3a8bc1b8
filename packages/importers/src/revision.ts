/**
 * Increases whenever the same file may become another model, so that what was translated before can be told from it. In a file of its own:
 * whoever finds a translation in a cache need not load the importers.
 */
export const IMPORTER_REVISION = 2;
