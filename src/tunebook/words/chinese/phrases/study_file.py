"""Messages about the study file and what can be named in it, in Chinese, by English template."""

from __future__ import annotations

__all__ = ["STUDY_FILE"]

STUDY_FILE = {
    "must be a number": "必须是数字",
    "must be a finite number": "必须是有限的数",
    "must be a whole number": "必须是整数",
    "must be above {end:g}": "必须大于 {end:g}",
    "must be at least {end:g}": "必须不小于 {end:g}",
    "must be below {end:g}": "必须小于 {end:g}",
    "must be at most {end:g}": "必须不大于 {end:g}",
    'must be "all-linear" or a list of module names': '必须是 "all-linear" 或模块名的列表',
    "must be one of {words}": "必须是以下之一：{words}",
    "must be true or false": "必须是 true 或 false",
    "no column in it": "其中没有列名",
    "a single {brace} at position {at}": "第 {at} 个字符处有单独的 {brace}",
    "braces without a column at position {at}": "第 {at} 个字符处的花括号里没有列名",
    'planner: found "{planner}" beside a table of trials; a sampler chooses its own. Leave one out.': (
        'planner: 现为 "{planner}"，同时又有实验表格；采样器自己选择实验。请去掉其中之一。'
    ),
    (
        'planner: found "optuna:{name}"; a sampler of optuna.samplers that can be made from a seed alone is asked '
        "for. Name one of {usable}."
    ): ('planner: 现为 "optuna:{name}"；需要 optuna.samplers 里只凭种子就能建立的采样器。请写以下之一：{usable}。'),
    'planner: found "optuna:{name}", and Optuna is not installed. `pip install "tunebook[optuna]"` brings it.': (
        'planner: 现为 "optuna:{name}"，而 Optuna 没有安装。请运行 `pip install "tunebook[optuna]"`。'
    ),
    "{key} {name} is tunebook's own": "{key} {name} 是 tunebook 自带的",
    'found "{name}"; installed are {names}{also}. Correct the name, or install the package that brings it.': (
        '现为 "{name}"；已安装的有 {names}{also}。请改正名字，或安装提供它的软件包。'
    ),
    'found "{name}" of package {package}; {what}. Upgrade or fix that package, or name another one.': (
        '现为软件包 {package} 的 "{name}"；{what}。请升级或修好该软件包，或换一个名字。'
    ),
    'found "{name}", which is in the packages {packages}; one name means one thing. Uninstall one of them.': (
        '现为 "{name}"，软件包 {packages} 里都有；一个名字只有一个含义。请卸载其中一个。'
    ),
    "importing it failed with {kind}: {error}": "导入失败，{kind}：{error}",
    "{where} is {seen}, not {rule}": "{where} 是 {seen}，不是{rule}",
    "found an empty map": "是空的映射",
    "the key is missing": "缺少这个键",
    (
        "{found}; a study varies at least one factor, or has its own table of trials. Add space: {{learning_rate: "
        "{{low: 5e-5, high: 2e-3}}}}, for example."
    ): (
        "{found}；研究至少改变一个参数，或有自己的实验表格。请写，例如 space: {{learning_rate: {{low: 5e-5, "
        "high: 2e-3}}}}。"
    ),
    "found {value}; the baseline must lie in its own space, which is {space}. Change one of the two.": (
        "现为 {value}；基线必须在它自己的搜索空间里，即 {space}。请改动两者之一。"
    ),
    (
        "the baseline has no {factor}, so it is {value}; the baseline must lie in its own space, which is {space}. "
        "Write baseline.{factor}."
    ): ("基线没有写 {factor}，因此是 {value}；基线必须在它自己的搜索空间里，即 {space}。请写 baseline.{factor}。"),
    "{low:g} to {high:g}": "{low:g} 到 {high:g}",
    "found neither trials nor hours; a study has a budget. Add trials: 75.": (
        "既没有 trials 也没有 hours；研究要有预算。请写 trials: 75。"
    ),
    (
        "found {trials}; must be at least {needed}, as seeds.baseline is. Write {needed} or more, or seeds: "
        "{{baseline: 3}}."
    ): ("现为 {trials}；不能小于 seeds.baseline，即 {needed}。请至少写 {needed}，或写 seeds: {{baseline: 3}}。"),
    (
        "found {trials}; must be at least {needed}: a few pilots, and the best and the baseline compared. Write "
        "{needed} or more."
    ): ("现为 {trials}；至少需要 {needed}：先做几个摸底实验，再比较最优配置和基线。请至少写 {needed}。"),
    "found {trials}; must be at least {needed}, as seeds.baseline is. Write {needed} or more.": (
        "现为 {trials}；不能小于 seeds.baseline，即 {needed}。请至少写 {needed}。"
    ),
    (
        "found {n}; only design: one_factor without a table of trials gives further seeds to levels in doubt. Write "
        "design: one_factor, or remove this line."
    ): (
        "现为 {n}；只有没有试验表的 design: one_factor 才会给有疑问的水平追加种子。"
        "请写 design: one_factor，或删除这一行。"
    ),
    (
        "found {n} beside seeds.configuration: 1; a level's only seed does not tell whether it came out low by chance, "
        "and what would be claimed of it is false too often. Write configuration: 2, or remove this line."
    ): (
        "现为 {n}，而 seeds.configuration 为 1；单个种子看不出结果偏低是否出于偶然，"
        "据此作出的结论太常出错。请写 configuration: 2，或删除这一行。"
    ),
    "found no data.{other} beside it; a template needs the other one. Add {other}.": (
        "旁边没有 data.{other}；一个模板需要另一个。请写 {other}。"
    ),
    "found beside the templates data.{given}, which say all. Remove one of them.": (
        "旁边已有模板 data.{given}，它们已说明一切。请删除其中之一。"
    ),
    "found {engine} without a command; this engine runs your own trainer. Add command: [python, train.py].": (
        "现为 {engine}，却没有 command；这个训练引擎运行您自己的训练程序。请写 command: [python, train.py]。"
    ),
    (
        "found a command with engine {engine}; only engine command runs one. Write engine: command, or remove the "
        "command."
    ): ("有 command，而训练引擎是 {engine}；只有训练引擎 command 运行程序。请写 engine: command，或删除 command。"),
    (
        "found limits of a command with engine {engine}; only engine command has them. Write engine: command, or "
        "remove command_limits."
    ): (
        "有程序的限制，而训练引擎是 {engine}；只有训练引擎 command 有这些限制。请写 engine: command，或删除 "
        "command_limits。"
    ),
    (
        "found {names} first, and metric {deciding}; the first of metrics decides. Write metrics alone, or "
        "{deciding} first."
    ): (
        "第一个是 {names}，而 metric 是 {deciding}；metrics 的第一个起决定作用。请只写 metrics，或把 {deciding} "
        "写在第一个。"
    ),
    ("found true with metric {metric}; only choice compares likelihoods. Write metric: choice, or remove per_token."): (
        "现为 true，而 metric 是 {metric}；只有 choice 比较似然。请写 metric: choice，或删除 per_token。"
    ),
    "found an answer twice; every choice stands once. Remove one of them.": (
        "有一个答案出现两次；每个选项只出现一次。请删除其中一个。"
    ),
    (
        "found {source}, the file of data.{other} too; every split has its own rows. Give another file, or leave "
        "validation out: it is split off train."
    ): (
        "现为 {source}，它也是 data.{other} 的文件；每个划分有自己的样本。请给出另一个文件，或不写 validation：它"
        "会从 train 里划出。"
    ),
    "found {source}, the file of data.{other} too; every split has its own rows. Give another file.": (
        "现为 {source}，它也是 data.{other} 的文件；每个划分有自己的样本。请给出另一个文件。"
    ),
    (
        "found {problem}; must be a text with columns in braces, and braces of its own are doubled. Write "
        '"{{text}}", for example.'
    ): ('{problem}；必须是文本，列名写在花括号里，文本自身的花括号要写两个。例如 "{{text}}"。'),
    "found {metric}; a function must be written as module:function. Write mine:score, for example.": (
        "现为 {metric}；函数必须写作 module:function。例如 mine:score。"
    ),
    (
        "found {name}; beside the first, metrics are installed ones that judge a given answer. Write exact_match, "
        "for example."
    ): ("现为 {name}；除第一个之外，评价指标必须是已安装的、用来评判给定答案的指标。例如 exact_match。"),
    "found {name}, which is none of the further metrics. Add it there.": (
        "有 {name}，它不是其余的评价指标之一。请把它加到那里。"
    ),
    "{name}:{line}: more than {most} values (aliases counted each time). Write a smaller file.": (
        "{name}:{line}：超过 {most} 个值（别名每次都计入）。请写更小的文件。"
    ),
    "{name}:{line}: not YAML: {what}; found {source}. Correct this line or the one before it.": (
        "{name}:{line}：不是 YAML：{what}；现为 {source}。请改正这一行或上一行。"
    ),
    "{name}:{line}: character U+{code:04X} is not allowed in YAML. Remove it.": (
        "{name}:{line}：YAML 不允许字符 U+{code:04X}。请删除它。"
    ),
    (
        "{name}: more than {value} KiB; a study file is a page of YAML. Is this the data file? Then try `tunebook "
        "init` on it."
    ): ("{name}: 超过 {value} KiB；研究文件是一页 YAML。这是数据文件吗？那么请对它使用 `tunebook init`。"),
    "{name}:1: the file is UTF-16; study files are UTF-8. Save it as UTF-8.": (
        "{name}:1：文件是 UTF-16；研究文件用 UTF-8。请另存为 UTF-8。"
    ),
    "{name}:{line}: a tab; YAML is indented with spaces only. Replace the tab by spaces.": (
        "{name}:{line}：有制表符；YAML 只用空格缩进。请把制表符换成空格。"
    ),
    "{path}: there is no such file. Give the path of a study file, or write one with `tunebook init DATA`.": (
        "{path}: 没有这个文件。请给出研究文件的路径，或用 `tunebook init DATA` 写一个。"
    ),
    "{path} is a folder; a study is a YAML file. Give the file's path.": (
        "{path} 是文件夹；研究是一个 YAML 文件。请给出文件的路径。"
    ),
    "{path} cannot be read ({error}). Give the path of a readable YAML file.": (
        "无法读取 {path}（{error}）。请给出可读的 YAML 文件的路径。"
    ),
    "{name}:{line}: byte 0x{byte:02x} is not UTF-8; study files are UTF-8. Save it as UTF-8.": (
        "{name}:{line}：字节 0x{byte:02x} 不是 UTF-8；研究文件用 UTF-8。请另存为 UTF-8。"
    ),
    "{name}: not readable as YAML ({error}). Write it as in docs/study-file.md.": (
        "{name}: 无法按 YAML 读取（{error}）。请按 docs/study-file.md 书写。"
    ),
    "{name}:{line}: the anchor {anchor} stands twice; an anchor names one value. Write the values out.": (
        "{name}:{line}：锚点 {anchor} 出现两次；一个锚点命名一个值。请把值完整写出。"
    ),
    (
        "{name}:{line}: values nested more than {max_depth} deep; a study file needs four. Write it as in "
        "docs/study-file.md."
    ): ("{name}:{line}：值的嵌套超过 {max_depth} 层；研究文件四层就够。请按 docs/study-file.md 书写。"),
    "{name}:{line}: more than {max_aliases} aliases (*name). Write the values out.": (
        "{name}:{line}：超过 {max_aliases} 个别名（*name）。请把值完整写出。"
    ),
    "an alias that contains itself; values are finite. Write the value out.": (
        "别名包含它自己；值必须是有限的。请把值完整写出。"
    ),
    "found the tag {tag}; values are text, numbers, true or false, lists and maps. Remove the tag.": (
        "有标签 {tag}；值是文本、数字、true 或 false、列表和映射。请删除标签。"
    ),
    "found a list or map as a key; keys are words. Write a word.": "用列表或映射作键；键是单词。请写成单词。",
    "written twice, first on line {first}; every key stands once. Remove one of them.": (
        "出现两次，第一次在第 {first} 行；每个键只出现一次。请删除其中一个。"
    ),
    "found {text}, which is not a number tunebook can read. Write it in decimal.": (
        "现为 {text}，tunebook 无法把它读作数字。请写成十进制。"
    ),
    ("found half a character (a single surrogate); texts are whole Unicode characters. Write the character itself."): (
        "有半个字符（单独的代理项）；文本由完整的 Unicode 字符组成。请写出字符本身。"
    ),
    "there is no such factor; known are {known}. Use one of them or remove the line.": (
        "没有这个参数；可用的有 {known}。请用其中之一，或删除这一行。"
    ),
    "found {value}; {rule}. {step}": "现为 {value}；{rule}。{step}",
    "Write {example}, for example.": "例如写 {example}。",
    (
        "found {value}; a varied factor is a list of levels or a range {{low, high}}. Write a list, or put the one "
        "value under baseline.{name}."
    ): ("现为 {value}；要改变的参数写成取值的列表或范围 {{low, high}}。请写成列表，或把这个值写到 baseline.{name}。"),
    "there is no such factor. Did you mean {guess}?": "没有这个参数。您是指 {guess} 吗？",
    (
        "found {value}; the baseline has one value for each factor. Write one value here and the levels under "
        "space.{name}."
    ): ("现为 {value}；基线的每个参数只有一个值。请在这里写一个值，把各取值写到 space.{name}。"),
    "must be at most 2^53 in size": "绝对值必须不大于 2^53",
    "must be a whole number of steps, or below 1 a fraction of all steps": (
        "必须是整数步数，或小于 1 的全部步数的比例"
    ),
    "Write it without quotes.": "请去掉引号。",
    "Did you mean {guess}?": "您是指 {guess} 吗？",
    (
        "found {role}; must be scientific (asked about) or nuisance (re-tuned so that comparisons are fair). Write "
        "one of the two."
    ): ("现为 {role}；必须是 scientific（研究的对象）或 nuisance（为公平比较而重新调节）。请写两者之一。"),
    "found {value}; must be a list of levels. Write [a, b].": "现为 {value}；必须是取值的列表。请写 [a, b]。",
    "found {value}; a range has low and high, a list has levels. Write both ends, or a list of levels.": (
        "现为 {value}；范围有 low 和 high，列表有 levels。请写出两端，或取值的列表。"
    ),
    "found an empty list; a varied factor has at least two levels. Write levels or remove it.": (
        "是空列表；要改变的参数至少有两个取值。请写出取值，或删除它。"
    ),
    "found {n_values} levels; at most {max_levels} make sense. Write fewer, or a range.": (
        "有 {n_values} 个取值；最多 {max_levels} 个才有意义。请少写一些，或写成范围。"
    ),
    "found one level, {values}; a comparison needs two. Add a level, or put this one under baseline.{name}.": (
        "只有一个取值 {values}；比较需要两个。请加一个取值，或把它写到 baseline.{name}。"
    ),
    "found a range; {name} has no order. Write a list of levels.": "是范围；{name} 没有大小顺序。请写成取值的列表。",
    (
        "found {low} to {high}; below 1 {factor} is a fraction of all steps, from 1 on a count, and a range holds "
        "one of them. Write a list of levels, or stay below 1."
    ): (
        "从 {low} 到 {high}；{factor} 小于 1 时是全部步数的比例，从 1 起是步数，一个范围只能是其中一种。请写成"
        "取值的列表，或都小于 1。"
    ),
    "low is {low} and high is {high}; low must be below high. {step}": (
        "low 是 {low}，high 是 {high}；low 必须小于 high。{step}"
    ),
    "there is no such key here; known are low, high, levels and role. {step}": (
        "这里没有这个键；可用的有 low、high、levels 和 role。{step}"
    ),
    (
        "a second name for {name}, which stands on line {line} as {other}; every factor stands once. Remove one of "
        "them."
    ): ("这是 {name} 的另一个名字，它已在第 {line} 行写作 {other}；每个参数只出现一次。请删除其中一个。"),
    "found {value} a second time; every level stands once. Remove it.": (
        "{value} 再次出现；每个取值只出现一次。请删除它。"
    ),
    "Exchange them.": "请交换两者。",
    "Write two different ends.": "请写不同的两端。",
    "Remove it.": "请删除它。",
    "{file} has {n} problems:\n  {problems}": "{file} 有 {n} 个问题：\n  {problems}",
    "found {value}; must be {what}. Write {example}, for example.": "现为 {value}；必须是{what}。例如写 {example}。",
    "there is no such key; known here are {known}. Remove it.": "没有这个键；这里可用的有 {known}。请删除它。",
    (
        "{name}:1: {found}; a study file is a map of keys (study, model, data, ...). Write one with `tunebook init "
        "DATA`, or see docs/study-file.md."
    ): (
        "{name}:1：{found}；研究文件是键的映射（study、model、data 等）。请用 `tunebook init DATA` 写一个，或见 "
        "docs/study-file.md。"
    ),
    "the key is missing; it must be {what}. Add {addition}.": "缺少这个键；必须是{what}。请写 {addition}。",
    "found the text {value}; must be {what}. Write it without quotes.": (
        "现为文本 {value}；必须是{what}。请去掉引号。"
    ),
    'found {value}; must be {what}. To mean the text, write it in quotes: "{value}".': (
        '现为 {value}；必须是{what}。如果指的是文本，请加引号："{value}"。'
    ),
    "there is no such key. Did you mean {guess}?": "没有这个键。您是指 {guess} 吗？",
    "a text that is not empty": "非空的文本",
    "found an empty file": "文件是空的",
    "found {value}": "现为 {value}",
    "a name of letters, digits, _ - and . (at most 64, no path); it names the folder": (
        "由字母、数字、_、- 和 . 组成的名字（最多 64 个字符，不能是路径），文件夹用它命名"
    ),
    "a model folder, a hub id (id@revision), or the built-in smollm2": (
        "模型文件夹、Hub 名（id@revision）或内置的 smollm2"
    ),
    "a map with train, and optionally validation and test": "含 train 的映射，也可以有 validation 和 test",
    "a data file (.jsonl .json .csv .parquet) or a hub id": "数据文件（.jsonl .json .csv .parquet）或 Hub 数据集",
    "a data file or a hub id; without it a part of the training data": (
        "数据文件或 Hub 数据集；不写时从训练数据里划出"
    ),
    "a data file or a hub id, opened once at the end": "数据文件或 Hub 数据集，只在最后打开一次",
    "one of prompt_completion, alpaca, messages, sharegpt, options": (
        " prompt_completion、alpaca、messages、sharegpt、options 之一"
    ),
    "a text with columns in braces": "含有花括号列名的文本",
    "a map of standard names to those of the rows": "标准名到样本中名称的映射",
    "the name of a column": "列名",
    "the name of a key": "键名",
    "a role's name": "角色名",
    "a list of at least two names": "至少两个名称的列表",
    "the name of a field of the data rows": "数据样本中一个字段的名字",
    "a whole number of rows, at least 1": "条数，至少为 1 的整数",
    "a text, the system message of rows that have none": "文本，用作没有系统消息的样本的系统消息",
    "a list of at least two answers": "至少两个答案的列表",
    "true or false": " true 或 false",
    "the name of an installed metric, a map of its name and its options, or module:function": (
        "已安装的评价指标的名字、由名字和选项组成的映射，或 module:function"
    ),
    "the name of an installed metric": "已安装的评价指标的名字",
    "a map of factors to values": "参数到值的映射",
    "a map of factors to lists of levels or ranges {low, high}": "参数到取值列表或范围 {low, high} 的映射",
    "a map with trials, hours, or both": "含 trials、hours 或两者的映射",
    "a whole number of trials, at least 1": "实验数，至少为 1 的整数",
    "a number of hours above 0": "大于 0 的小时数",
    "a list of names of installed metrics; the first decides": "已安装的评价指标名字的列表；第一个起决定作用",
    "a map of metrics to numbers": "评价指标到数字的映射",
    "proportional (keep alpha/r while the rank varies) or fixed (keep alpha)": (
        " proportional（改变秩时保持 alpha/r）或 fixed（保持 alpha）"
    ),
    "one_factor (each level against the baseline), balanced (all factors at once) or model (good settings)": (
        " one_factor（各取值与基线比较）、balanced（同时改变所有参数）或 model（寻找好的设置）"
    ),
    "the folder of an earlier study": "以前某个研究的文件夹",
    "ask (stop when the first trials learn nothing) or go_on": " ask（最初的实验什么也没学到时停止）或 go_on",
    "a difference of accuracy between 0 and 1 (0.03 is 3 points)": " 0 与 1 之间的准确率之差（0.03 即 3 个百分点）",
    "a whole number from 0 to 4294967295": " 0 到 4294967295 的整数",
    "a map with language": "含 language 的映射",
    "en or zh": " en 或 zh",
    "the name of an installed engine": "已安装的训练引擎的名字",
    "the name of an installed executor": "已安装的执行器的名字",
    "the name of an installed planner": "已安装的规划器的名字",
    "a list of names of installed trackers": "已安装的跟踪器名字的列表",
    "auto, cpu, cpu:N, cuda, cuda:N or a list of these": " auto、cpu、cpu:N、cuda、cuda:N 或它们的列表",
    "auto, float32, bfloat16, float16 or float64": " auto、float32、bfloat16、float16 或 float64",
    "nf4, int8 or none (as the model folder has them)": " nf4、int8 或 none（与模型文件夹里的相同）",
    "a map with configuration and baseline": "含 configuration 和 baseline 的映射",
    "a whole number of seeds from 1 to 50": "种子数，1 到 50 的整数",
    "a whole number of seeds from 0 to 50": "种子数，0 到 50 的整数",
    "a whole number of seeds from 3 to 50 (fewer than three say nothing about the noise)": (
        "种子数，3 到 50 的整数（少于三个无法说明噪声）"
    ),
    "a factor of at least 1 by which the boundary round may leave low and high (1: never)": (
        "至少为 1 的倍数，边界轮可以超出 low 和 high 到这个倍数（1：从不）"
    ),
    "a CSV file with one configuration a line": "每行一个配置的 CSV 文件",
    "a whole number of tokens from 1 to 8192": " token 数，1 到 8192 的整数",
    "a number above 0: what an hour of a device costs": "大于 0 的数：设备每小时的价格",
    "a list: the program and its arguments": "列表：程序及其参数",
    "a map with hours and output_megabytes": "含 hours 和 output_megabytes 的映射",
    "a number of hours above 0, at most 10000": "大于 0、至多 10000 的小时数",
    "a number of megabytes above 0, at most 10000": "大于 0、至多 10000 的兆字节数",
    "a class or function that gives a core.metric.Metric": "能给出 core.metric.Metric 的类或函数",
    "; or it is module:function": "；也可以写 module:function",
    "a core.ports.PlannerFactory": " core.ports.PlannerFactory",
    "; ray takes the number of its workers: ray:8": "；ray 后面写工作进程的数量：ray:8",
    "; optuna takes a sampler's name: optuna:TPESampler": "；optuna 后面写采样器的名字：optuna:TPESampler",
    "a core.ports.EngineEntry": " core.ports.EngineEntry",
    "a core.ports.ExecutorFactory": " core.ports.ExecutorFactory",
    "a core.ports.TrackerFactory": " core.ports.TrackerFactory",
}
