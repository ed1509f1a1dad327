"""Tasks of evaluation harnesses, in Chinese."""

from __future__ import annotations

__all__ = ["HARNESSES"]

HARNESSES = {
    "a class or function that gives a core.harness_metric.HarnessMetric": (
        "给出 core.harness_metric.HarnessMetric 的类或函数"
    ),
    "metric: found {name}; lm_eval is not installed. Run pip install 'tunebook[lm-eval]'.": (
        "metric: 现为 {name}；没有安装 lm_eval。请运行 pip install 'tunebook[lm-eval]'。"
    ),
    "metric: found {name}; {problem}": "metric: 现为 {name}；{problem}",
    (
        "no file beside the study file and none of lm_eval's defines the task {task}. Correct the name, or name the "
        "folder of its file: include_path."
    ): (
        "研究文件旁边和 lm_eval 自带的文件中都没有定义任务 {task}。"
        "请改正名称，或用 include_path 写明其文件所在的文件夹。"
    ),
    (
        "{task} is a group of tasks, and trials are compared document by document on one number of one task. Name the "
        "task that decides (lm_eval:{first}); the group as a whole can be scored on the exported adapter. Its tasks: "
        "{names} ({path})."
    ): (
        "{task} 是一组任务，而各个实验是在一个任务的一个数上逐个文档比较的。请写出起决定作用的那个任务"
        "（lm_eval:{first}）；整组可以在导出的适配器上另行评测。其中的任务：{names}（{path}）。"
    ),
    (
        "its documents are the data set {source} of the hub, which cannot be read here ({kind}: {error}). Let it be "
        "downloaded (HF_HUB_OFFLINE unset, with a connection), or write a task with files of your own."
    ): (
        "它的文档是 hub 上的数据集 {source}，在这里无法读取（{kind}：{error}）。"
        "请允许下载（不设 HF_HUB_OFFLINE，并接通网络），或用自己的文件写一个任务。"
    ),
    "lm_eval cannot load it from {path} ({kind}: {error}). Correct the task's file.": (
        "lm_eval 无法从 {path} 载入它（{kind}：{error}）。请改正任务文件。"
    ),
    "it is a Python class with documents of its own way. Use a task in YAML.": (
        "它是一个自行读取文档的 Python 类。请使用 YAML 写的任务。"
    ),
    "it shows pictures or sound. Use a task of texts.": "它含有图片或声音。请使用纯文本的任务。",
    "it runs code that the model writes, without limits. Use metric pass@1, which limits it.": (
        "它会不加限制地运行模型写的代码。请使用有限制的指标 pass@1。"
    ),
    (
        "it draws answers by chance (do_sample). Trials are compared on the likeliest answer: write do_sample: false "
        "in a copy of the task."
    ): "它随机抽取答案（do_sample）。各实验按最可能的答案比较：请在任务的副本中写 do_sample: false。",
    "the task has no number {measure}; it has {numbers}. Name one of them: lm_eval:TASK:NUMBER.": (
        "该任务没有 {measure} 这个数值；它有 {numbers}。请写其中的一个：lm_eval:TASK:NUMBER。"
    ),
    "the task has no filter {filter}; it has {filters}. Correct the option filter.": (
        "该任务没有过滤器 {filter}；它有 {filters}。请改正选项 filter。"
    ),
    "it has neither validation_split nor test_split. Name one in the task's file.": (
        "它既没有 validation_split 也没有 test_split。请在任务文件中写明一个。"
    ),
    "test_share: the task has a validation and a test split. Leave test_share out.": (
        "test_share: 该任务有验证和测试两个划分。请不写 test_share。"
    ),
    "its requests for split {split} cannot be written ({kind}: {error}). Correct the task's file.": (
        "无法写出划分 {split} 的请求（{kind}：{error}）。请改正任务文件。"
    ),
    "metric {name}: the task failed on its document {index} with {kind}: {error}. Correct its file.": (
        "指标 {name}：任务在文档 {index} 上失败，{kind}：{error}。请改正其文件。"
    ),
    (
        "metric {name}: the task gave {value}, and {measure} was taken to lie from {low} to {high}. Write low and high "
        "beside the metric's name."
    ): "指标 {name}：任务给出 {value}，而 {measure} 被认为在 {low} 到 {high} 之间。请在指标名旁边写 low 和 high。",
    "metric {name}: the task gave {value} as {measure}, which is no number. Name another of its numbers.": (
        "指标 {name}：任务给出的 {measure} 是 {value}，不是数字。请写它的另一个数值。"
    ),
    "metric: {path}: the task's file cannot be read: {error}. Correct it.": (
        "metric: {path}: 无法读取任务文件：{error}。请改正。"
    ),
    "metric: {path}: the task's file is no map of keys and values. Correct it.": (
        "metric: {path}: 任务文件不是键和值的映射。请改正。"
    ),
    (
        "metric: found {metric} with engine {engine}; the requests of a task are put to a model that the engine loads. "
        "Write engine: packed, or peft."
    ): "metric: 现为 {metric}，引擎为 {engine}；任务的请求要由引擎载入的模型回答。请写 engine: packed 或 peft。",
    (
        "metric {name}: the documents of {split} are not those that the run began with. Leave the task's files as they "
        "are while a study runs; a task that draws its documents needs a fixed seed."
    ): (
        "指标 {name}：{split} 的文档与运行开始时的不同。研究运行期间请不要改动任务文件；"
        "随机抽取文档的任务需要固定的种子。"
    ),
    "found {value} with metric {metric}; the documents of a task are what is scored. Remove it.": (
        "现为 {value}，指标为 {metric}；评分用的是任务的文档。请去掉。"
    ),
}
