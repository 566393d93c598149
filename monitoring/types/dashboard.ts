// The type of a dashboard's JSON, composed of types that Grafana publishes. Grafana's types leave
// panel options, custom field configuration and queries open. This type defines them for each panel
// type, and refuses panel types that are not in `PanelTypes`.
import type * as schema from "@grafana/schema";
import type * as v2 from "@grafana/schema/apis/dashboard.grafana.app/v2";
import type * as bargauge from "@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen";
import type * as heatmap from "@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen";
import type * as stat from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type * as table from "@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen";
import type * as text from "@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen";
import type * as timeseries from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

/** Replace enums by the values of their members at every depth, because JSON has no enums. */
type Json<T> = unknown extends T
  ? T
  : T extends string
    ? `${T}`
    : T extends number
      ? `${T}` extends `${infer Value extends number}`
        ? Value
        : never
      : T extends object
        ? { [Key in keyof T]: Json<T[Key]> }
        : T;

type Replace<T, Changes> = Omit<T, keyof Changes> & Changes;

/** A visualization without custom field configuration. */
type Nothing = Record<string, never>;

/** The options of each panel type, and the members of `custom` in its field configuration. */
interface PanelTypes {
  bargauge: { options: bargauge.Options; custom: Nothing };
  heatmap: { options: heatmap.Options; custom: heatmap.FieldConfig };
  stat: { options: stat.Options; custom: Nothing };
  table: { options: table.Options; custom: table.FieldConfig };
  text: { options: text.Options; custom: Nothing };
  timeseries: { options: timeseries.Options; custom: timeseries.FieldConfig };
}

/**
 * Published in @grafana/prometheus, which would bring a whole query editor along: written after its
 * 13.2.3, without what is deprecated or known only to Grafana itself.
 */
interface PrometheusQuery extends schema.DataQuery {
  datasource?: schema.DataSourceRef;
  editorMode?: "builder" | "code";
  exemplar?: boolean;
  expr: string;
  format?: "time_series" | "table" | "heatmap";
  instant?: boolean;
  interval?: string;
  legendFormat?: string;
  range?: boolean;
}

/** Read from the annotation itself by @grafana/prometheus; no published type has them. */
interface PrometheusAnnotation {
  tagKeys?: string;
  textFormat?: string;
  titleFormat?: string;
  useValueForTime?: boolean;
}

type Annotation = Replace<
  schema.AnnotationQuery,
  { target?: PrometheusQuery | schema.AnnotationTarget }
> &
  Pick<v2.AnnotationQuerySpec, "mappings"> &
  PrometheusAnnotation;

/** What the classic schema leaves out of a variable, the newer one has by the variable's type. */
interface VariableExtras {
  interval: Pick<v2.IntervalVariableSpec, "auto" | "auto_count" | "auto_min">;
  query: Pick<v2.QueryVariableSpec, "definition">;
}

type Variable = {
  [Type in schema.VariableType]: Replace<schema.VariableModel, { type: Type }> &
    (Type extends keyof VariableExtras ? VariableExtras[Type] : unknown);
}[schema.VariableType];

/** Fields as every visualization has them; links are of an unknown type in the classic schema. */
type StandardField = Replace<
  Omit<schema.FieldConfig, "custom">,
  { links?: (v2.DataLink | schema.DashboardLink)[] }
> &
  Pick<v2.FieldConfig, "fieldMinMax">;

type Property<Id extends string, Value> = { id: Id; value?: Value };

type StandardProperty = {
  [Key in keyof StandardField]-?: Property<Key, StandardField[Key]>;
}[keyof StandardField];

/** `custom.hideFrom`, and by its path also what lies within: `custom.hideFrom.viz`. */
type CustomProperty<Custom> = {
  [Key in keyof Custom & string]-?:
    | Property<`custom.${Key}`, Custom[Key]>
    | NestedProperty<`custom.${Key}`, NonNullable<Custom[Key]>>;
}[keyof Custom & string];

type NestedProperty<Path extends string, Value> = Value extends object
  ? { [Key in keyof Value & string]-?: Property<`${Path}.${Key}`, Value[Key]> }[keyof Value & string]
  : never;

type FieldConfigSource<Custom> = {
  // Grafana fills in what is missing, also where the type says that it is required.
  defaults: StandardField & { custom?: Partial<Custom> };
  overrides: {
    matcher: schema.MatcherConfig;
    properties: (StandardProperty | (Custom extends Nothing ? never : CustomProperty<Custom>))[];
  }[];
};

type Panel = {
  [Type in keyof PanelTypes]: Replace<
    schema.Panel,
    {
      type: Type;
      options?: PanelTypes[Type]["options"];
      fieldConfig?: FieldConfigSource<PanelTypes[Type]["custom"]>;
      targets?: PrometheusQuery[];
    }
  >;
}[keyof PanelTypes];

type Row = Replace<schema.RowPanel, { panels: Panel[] }>;

export type JsonDashboard = Json<
  Replace<
    schema.Dashboard,
    {
      annotations?: { list?: Annotation[] };
      panels?: (Panel | Row)[];
      templating?: { list?: Variable[] };
    }
  >
>;
