"""Messages about records that cannot be audited, in Chinese, by English template."""

from __future__ import annotations

__all__ = ["AUDITS"]

AUDITS = {
    "--examples: got {examples}; a test set has 1 to {largest_examples:,} examples. Give their number.": (
        "--examples：得到 {examples}；测试集有 1 到 {largest_examples:,} 个样本。请给出样本数。"
    ),
    (
        '{path}: cannot be read ({reason}); a record is a Markdown or CSV file. Give its path, or "-" to read '
        "standard input."
    ): ('{path}: 无法读取（{reason}）；记录是 Markdown 或 CSV 文件。请给出路径，或用 "-" 读取标准输入。'),
    (
        "{source}, line {line_num}: cannot be read as a delimited table ({error}); a table has one line a trial "
        "and closes its quotes. Fix the line and audit again."
    ): (
        "{source} 第 {line_num} 行：无法按分隔的表格读取（{error}）；表格每行一个实验，引号要成对。请改正这一行"
        "，再次审核。"
    ),
    (
        "{source}: not a text file (it begins with {hex}); a record is Markdown or CSV in UTF-8. Export the table "
        "as CSV, or save the file as UTF-8."
    ): (
        "{source}: 不是文本文件（以 {hex} 开头）；记录是 UTF-8 的 Markdown 或 CSV。请把表格导出为 CSV，或另存为 UTF-8。"
    ),
    (
        "{source}: {n_content:,} bytes; a record is at most {max_bytes:,} bytes. Cut it down to the tables and "
        "their text."
    ): ("{source}: {n_content:,} 字节；记录最多 {max_bytes:,} 字节。请只留下表格及其说明。"),
    (
        "{source}, line {line}: no table of trials found; the first table's columns are [{columns}]; {expected}. {step}"
    ): ("{source} 第 {line} 行：没有找到实验的表格；第一个表格的列是 [{columns}]；{expected}。{step}"),
    (
        '--columns {header}={said}: got "{said}" for "{header}"; {source} has the columns {columns}, and each is a '
        "factor ({names}, …) or {roles_to_name}. Name one of each."
    ): (
        '--columns {header}={said}：得到 "{header}" 为 "{said}"；{source} 的列是 {columns}，每列是参数（{names}……）或 '
        "{roles_to_name}。请各写其中之一。"
    ),
    (
        "{source}: no table of trials found; {expected}. Trials in sentences are not read, those in lists only where "
        "each item gives a name, settings and a result: put them into a table, one row a trial."
    ): (
        "{source}: 没有找到实验的表格；{expected}。句子里的实验不会读取，列表里的只有每条都写明名称、设置和结果时才"
        "读取：请放进表格，每行一个实验。"
    ),
    '{source}, line {line}: the column "{column}" {why}. {step}': (
        '{source} 第 {line} 行：列 "{column}" {why}。{step}'
    ),
    (
        "{source}, line {line}: {n_rows:,} rows of trials by here; at most {max_trials:,} are audited. Split the "
        "record."
    ): ("{source} 第 {line} 行：到这里已有 {n_rows:,} 行实验；最多审核 {max_trials:,} 行。请拆分记录。"),
    (
        "{source}, line {line}: results and settings stand in two tables whose labels do not match; an audit needs "
        "both in one row. Put them into one table, or give both the same labels."
    ): (
        "{source} 第 {line} 行：结果和设置在两个表格里，而标签对不上；审核需要两者在同一行。请放进一个表格，或"
        "给两者相同的标签。"
    ),
    (
        "expected a header with a result column (accuracy, result, 准确率, 结果) and columns of settings "
        "(learning_rate, r, 学习率, 秩) or of changes (change, 参数修改策略)"
    ): (
        "表头应有结果列（accuracy、result、准确率、结果），以及设置列（learning_rate、r、学习率、秩）或改动列（"
        "change、参数修改策略）"
    ),
    ("Name the columns with --columns, for example --columns 'Step size=learning_rate' or --columns score=accuracy."): (
        "请用 --columns 指明列的含义，例如 --columns 'Step size=learning_rate' 或 --columns score=accuracy。"
    ),
    "holds expected values, which are no results": "是预期值，不是结果",
    "holds results on training data or tokens, which are no share of held-out examples": (
        "是训练数据或 token 上的结果，不是留出样本上的比例"
    ),
    "holds smoothed values, which are no results of a trial": "是平滑后的值，不是某个实验的结果",
    "holds differences, which are no results by themselves": "是差值，本身不是结果",
    "holds bounds or spreads, which are no results": "是界限或离散程度，不是结果",
    "holds an optimiser's objective, of which it is not known what it is": "是优化器的目标值，不知道它是什么",
    "holds counts of right answers without their total; write them as 173/200": (
        "是答对的个数，没有总数；请写成 173/200"
    ),
    "holds numbers that cannot be accuracies": "是不可能为准确率的数",
    "holds nothing that could be read as a number": "里面没有能读作数字的内容",
}
